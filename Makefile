# Every step of the loop and of its upkeep, as one command. Workflows call these same lines.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
# The lock a command runs in: dev holds everything; the workflows set ROLE=pipeline.
ROLE ?= dev
IN = $(PYTHON) requirements/install.py $(ROLE) --
DEV = $(PYTHON) requirements/install.py dev --
PACKAGES = artifact features pipeline scoring starter audit monitoring release predictor initializer shipper image local bench
KNOWN_EXTRAS = lightgbm xgboost shap sigstore
# What the predictor's image is made from; tests/image holds it equal to the Dockerfile.
IMAGE_INPUTS = Dockerfile .dockerignore artifact features initializer predictor shipper requirements/serving.txt requirements/extras/chosen.txt
# What a model is made from; tests/workflows holds it equal to the paths of the workflows that train.
MODEL_INPUTS = .dvc/config data/*.dvc dvc.yaml params.yaml artifact features pipeline initializer predictor shipper \
  requirements/pipeline.txt requirements/serving.txt requirements/extras/chosen.txt Dockerfile .dockerignore
export DO_NOT_TRACK = true
export DVC_NO_ANALYTICS = true
export MLFLOW_DISABLE_TELEMETRY = true
# A container often forbids Python to write bytecode; each process that the tests start would compile every module again.
test test-kserve: export PYTHONDONTWRITEBYTECODE =

##@ First minutes
.PHONY: demo demo-full demo-canary demo-loop test test-kserve setup help
demo: ## push, train, gate, publish, commit, serve, predict: on this machine, to the first prediction (VERBOSE=1)
	@$(PYTHON) requirements/preflight.py
	@for role in serving platform storage; do $(PYTHON) requirements/install.py $$role >/dev/null || exit; done
	@$(PYTHON) requirements/install.py pipeline -- python -m local demo $(DEMO_ARGS)

demo-full: DEMO_ARGS = --full
demo-full: demo ## the same, then another model, a change of nothing, a rollback, and a model that the gate stops

demo-canary: ## a canary on embedded parts: proved, promoted, reverted, rebuilt; another one taken back and retired
	@$(DEV) python -m local canary

demo-loop: ## live traffic decides canaries, good and bad; drift asks for a training (needs Debian's package prometheus)
	@$(DEV) python -m local loop

test: ## run the tests (PYTEST_ARGS="-k gate" for some of them)
	@$(DEV) python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-kserve: ## run the tests of predictor, initializer and manifests with another KServe than the locked one (KSERVE=0.20.0)
	@$(call NEEDS,KSERVE); path="$$(cd "$${MODELPIN_VENVS:-.venvs}" && pwd)/kserve-$$KSERVE" && \
	  $(PYTHON) requirements/install.py bootstrap -- sh -euc 'uv venv --quiet --allow-existing --python "$$1" "$$2"; \
	    uv pip sync --quiet --require-hashes --python "$$2/bin/python" requirements/dev.txt; \
	    uv pip install --quiet --no-deps --python "$$2/bin/python" "kserve==$$KSERVE"; \
	    uv pip check --quiet --python "$$2/bin/python"' sh "$$(command -v $(PYTHON))" "$$path" && \
	  PATH="$$path/bin:$$PATH" "$$path/bin/python" -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
	    tests/predictor tests/initializer tests/gitops $(PYTEST_ARGS)

setup: ## install everything a contributor needs into .venvs/, linked as .venv
	@$(PYTHON) requirements/install.py dev --link .venv

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Settings
.PHONY: configure aws github settings doctor
SETTINGS = BUCKET PREFIX REGION REGISTRY INITIALIZER_IMAGE DOMAIN HOST_FORM CERTIFICATE_ARN GITOPS_REMOTE GITOPS_BRANCH \
  PRODUCTION_REMOTE PRODUCTION_BRANCH PRODUCTION_URL \
  GITOPS_PATH GITOPS_URL \
  GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_OWNER_ID GITHUB_BRANCH IMAGE_ROLE_ARN TRAIN_ROLE_ARN PUBLISH_ROLE_ARN \
  RELEASE_ROLE_ARN SERVING_ROLE_ARN CLUSTER_ISSUER SHIPPER_IMAGE KMS_KEY_ARN ACCOUNT
configure: ## set what you own: BUCKET= REGISTRY= REGION= DOMAIN= ACCOUNT= GITHUB_REPOSITORY= GITOPS_URL= CLUSTER_ISSUER= …
	@$(IN) python -m release configure $(foreach name,$(SETTINGS),$(if $(value $(name)),--set '$(name)=$($(name))'))

aws: ## create the roles of gitops/aws, or bring them up to date, and set the bucket's policy (DRY_RUN=1 only prints)
	@set -eu; setting() { $(MAKE) --silent settings | sed -n "s/^$$1=//p"; }; \
	run() { echo "aws $$*"; test -n "$${DRY_RUN:-}" || aws "$$@" >/dev/null; }; \
	role() { if test -z "$${DRY_RUN:-}" && aws iam get-role --role-name "$$1" >/dev/null 2>&1; \
	    then run iam update-assume-role-policy --role-name "$$1" --policy-document "file://$$2-trust.json"; \
	    else run iam create-role --role-name "$$1" --assume-role-policy-document "file://$$2-trust.json"; fi; \
	  run iam put-role-policy --role-name "$$1" --policy-name modelpin --policy-document "file://$$2.json"; }; \
	for job in image train publish release; do \
	  arn=$$(setting $$job-role-arn); role "$${arn##*/}" gitops/aws/$$job; done; \
	arn=$$(setting serving-role-arn); for trust in gitops/aws/serving/*-trust.json; do \
	  file=$${trust%-trust.json}; role "$${arn##*/}-$${file##*/}" "$$file"; done; \
	run s3api put-bucket-policy --bucket "$$(setting bucket)" --policy file://gitops/aws/bucket.json

github: ## show what has to change at GitHub for .github/protection.yaml; with APPLY=1 change it (needs gh)
	@$(IN) python -m release github $(if $(APPLY),--apply)

doctor: ## look at tools, settings, bucket, trust, rules and cluster, and name the remedy of each fault
	@$(IN) python -m release doctor

settings: ## print gitops/settings/settings.yaml as KEY=VALUE lines (needs nothing installed)
	@awk -F'"' '/^  [a-z-]+: "/ {sub(/^ +/, "", $$1); sub(/: $$/, "", $$1); print $$1 "=" $$2}' gitops/settings/settings.yaml

# Names of variables that a target cannot do without: asked for in one line, before anything is installed.
NEEDS = for name in $(1); do test -n "$$(printenv $$name)" || { \
  echo "error: $@ needs $$name: make $@$$(printf ' %s=…' $(1))" >&2; exit 2; }; done

# Values reach the shell as variables, never as text of the recipe: a reason may hold quotes, or $(id).
define COMMIT_RELEASE
@set -- $(if $(filter release,$@),"$$COMMAND",$@); \
  case "$$1" in \
    unquarantine) $(call NEEDS,RELEASE); set -- "$$1" "$$RELEASE"; WAIT= ;; \
    quarantine) $(call NEEDS,RELEASE REASON); set -- "$$1" "$$RELEASE" $${ENV:+--env="$$ENV"}; WAIT= ;; \
    prove) $(call NEEDS,ENV); set -- "$$1" --env="$$ENV" $${RELEASE:+"$$RELEASE"} ;; \
    deploy) $(call NEEDS,ENV); set -- "$$1" --env="$$ENV"; test -n "$$CANARY" || set -- "$$@" $(if $(filter release,$@),--canary) ;; \
    *) $(call NEEDS,ENV); set -- "$$1" --env="$$ENV" ;; esac; \
  $(foreach pair,MODEL:model URI:uri IMAGE:image FROM:from CANARY:canary TO:to PROMETHEUS:prometheus PAGE:page SHADOW:shadow URL:url GATEWAY:gateway WAIT:wait REASON:reason EVIDENCE:evidence,test -z "$$$(firstword $(subst :, ,$(pair)))" || set -- "$$@" --$(lastword $(subst :, ,$(pair)))="$$$(firstword $(subst :, ,$(pair)))"; ) \
  test -z "$$DRY_RUN" || set -- "$$@" --dry-run; \
  test -z "$$FINISH" || set -- "$$@" --finish; \
  test -z "$$TRAFFIC_ONLY" || set -- "$$@" --traffic-only; \
  $(IN) python -m release "$$@"
endef

##@ The loop, step by step
.PHONY: data pull champion repro track gate report publish deploy advance promote prove shadow step analyse drift rules retrain follow rollback retire quarantine unquarantine
.PHONY: migrate release-check changed page comment propose release status ui site mirror image image-tag image-find image-build image-sbom image-push image-verify render
data: ## write the example's raw data from scikit-learn's own copy (a laptop without the DVC remote)
	@$(DEV) python -m local.example data/iris.csv

pull: ## pull the raw data from the DVC remote, verified
	@$(IN) python -m starter pull

champion: ## fetch and verify what the GitOps branch names now, for the gate (RECORDS_FROM=tree asks this checkout)
	@RECORDS_FROM=$${RECORDS_FROM:-branch} $(IN) python -m release champion --out build/champion --record build/champion.json

repro: ## prepare, train, convert, evaluate, package, gate, report, track: whatever is out of date (STAGES=report)
	@$(IN) dvc repro $(STAGES)

track: ## put the training in build/ into MLflow, once, as the stage of dvc.yaml does
	@$(IN) python -m pipeline track

gate: ## fail unless the gate passed the artifact in build/
	@$(IN) python -m pipeline gate --enforce

report: ## print the page of the training in build/, as a step summary or a pull request takes it
	@test -f reports/report.md || { echo "error: there is no reports/report.md: \`make repro\` writes it" >&2; exit 10; }
	@if test -t 1; then sed 's/\\\([^[:alnum:][:space:]]\)/\1/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' reports/report.md; \
	  else cat reports/report.md; fi

publish: ## put the artifact into S3 under its digest and print its URI (AS=uri: as uri=…, for $$GITHUB_OUTPUT)
	@uri=$$($(IN) python -m release publish) && echo "$(if $(AS),$(AS)=)$$uri"

deploy: ## give ENV= the release of URI= (default: that in build/) and IMAGE=, or what FROM= serves (CANARY=10 WAIT=600)
	$(COMMIT_RELEASE)

advance: ## prove the candidate of ENV= and give it its first share, or more: TO=50 (WAIT=600)
	$(COMMIT_RELEASE)

promote: ## give the candidate of ENV= all traffic, proved
	$(COMMIT_RELEASE)

prove: ## prove what ENV= keeps ready, as it is rendered now, or RELEASE= (WAIT=600)
	$(COMMIT_RELEASE)

shadow: ## ask the candidate of ENV= what users asked, where its first share waits for that, and write OUT= (LOG=)
	@$(call NEEDS,ENV OUT); $(IN) python -m release shadow --env="$$ENV" --out="$$OUT" $${MODEL:+--model="$$MODEL"} \
	  $${LOG:+--log="$$LOG"} $${GATEWAY:+--gateway="$$GATEWAY"}

step: ## carry out what the traffic of ENV= proves: advance, promote or take back (PROMETHEUS=, PAGE=, SHADOW=)
	$(COMMIT_RELEASE)

analyse: ## print what the traffic of ENV= proves of its canary (PROMETHEUS=, PAGE=, SHADOW=)
	@$(call NEEDS,ENV); $(IN) python -m release analyse --env="$$ENV" $${MODEL:+--model="$$MODEL"} \
	  $${PROMETHEUS:+--prometheus="$$PROMETHEUS"} $${PAGE:+--page="$$PAGE"} $${SHADOW:+--shadow="$$SHADOW"}

drift: ## say whether RELEASE= in NAMESPACE= has drifted SINCE= a time, by PROMETHEUS= (PAGE=, ALARM= for the JSON)
	@$(call NEEDS,PROMETHEUS NAMESPACE RELEASE SINCE); $(IN) python -m monitoring drift --prometheus="$$PROMETHEUS" --namespace="$$NAMESPACE" --release="$$RELEASE" \
	  --since="$$SINCE" $${PAGE:+--page="$$PAGE"} $${ALARM:+--json} > "$${ALARM:-/dev/stdout}"

rules: ## write the rules, alerts and dashboard of gitops/monitoring from its objectives.yaml (CHECK=1 compares)
	@$(DEV) python -m monitoring rules $(if $(CHECK),--check)

retrain: ## say whether KIND= (with ALARM=) asks for a training of what ENV= serves, and commit what is followed
	@$(call NEEDS,ENV KIND); $(IN) python -m release retrain --env="$$ENV" --kind="$$KIND" $${MODEL:+--model="$$MODEL"} \
	  $${ALARM:+--alarm="$$ALARM"} $${REASON:+--reason="$$REASON"}

follow: ## do what retrain decided in DECISION=, with gh: start a training, refresh the issue of its kind, or nothing
	@field() { $(IN) python -c "import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])" "$$DECISION" "$$1"; }; \
	  outcome=$$(field outcome) trigger=$$(field trigger) why=$$(field why); echo "$$outcome: $$why"; \
	  case "$$outcome" in \
	    train) gh workflow run train.yml --ref main -f trigger="$$trigger" ;; \
	    issue) number=$$(gh issue list --state open --search "in:title \"$$trigger\"" --json number --jq '.[0].number // empty') && \
	      if test -n "$$number"; then gh issue comment "$$number" --body "$$why"; \
	      else gh issue create --title "New data are needed: $$trigger" --body "$$why"; fi ;; \
	  esac

rollback: ## take the candidate of ENV= back, or go back to the release before, or TO=: REASON= EVIDENCE= (TRAFFIC_ONLY=1)
	$(COMMIT_RELEASE)

retire: ## remove the InferenceServices of ENV= that nothing names any more
	$(COMMIT_RELEASE)

quarantine: ## keep RELEASE= from coming back and take it out of the traffic, everywhere or of ENV=: REASON=
	$(COMMIT_RELEASE)

unquarantine: ## let RELEASE= come back
	$(COMMIT_RELEASE)

migrate: ## take the next step of ENV= from a record of schema 1 or 2 (FINISH=1 for the last)
	$(COMMIT_RELEASE)

release-check: ## fail when gitops/ here names a release that may not serve
	@$(IN) python -m release check $${GITHUB_BASE_REF:+--branch="$$GITHUB_BASE_REF"}

changed: ## print train=true when what a model is made from differs from BASE=, for $$GITHUB_OUTPUT
	@git diff --quiet "$$BASE" -- $(MODEL_INPUTS) && echo train=false || echo train=true

page: ## print what a pull request shows: the training in build/, and how the manifests differ from BASE=
	@if test -f reports/report.md; then sed '/^!\[/d' reports/report.md; \
	  elif test "$$TRAIN" = false; then echo "Nothing changes that a model is made from."; \
	  else echo "Not trained: the data, or the champion, cannot be read without credentials."; fi; \
	  echo; $(IN) python -m release manifests --base="$${BASE:-origin/main}"

comment: ## put FILE= under the pull request NUMBER= of GITHUB_REPOSITORY=, or bring what is there up to date (needs gh)
	@$(IN) python -m release comment --repository="$$GITHUB_REPOSITORY" --pull-request="$$NUMBER" --file='$(FILE)'

propose: ## open a pull request, with gh, that adds what FROM= serves to ENV=, to be a canary (WAIT=900 for it to answer)
	@$(call NEEDS,ENV FROM); chosen=$$($(IN) python -m release settings) && place=gitops remote= && \
	  if test "$$ENV" = production; then place=production remote=$$(echo "$$chosen" | sed -n 's/^production-remote=//p'); fi && \
	  base=$$(echo "$$chosen" | sed -n "s/^$$place-branch=//p") && \
	  branch=$$($(IN) python -m release deploy --env="$$ENV" --from="$$FROM" --canary --wait="$${WAIT:-0}" --propose \
	    $${FROM_URL:+--from-url="$$FROM_URL"} $${FROM_GATEWAY:+--from-gateway="$$FROM_GATEWAY"}) && \
	  { test -z "$$branch" || gh pr view "$$branch" $${remote:+--repo="$$remote"} --json url --jq .url || \
	    gh pr create --head "$$branch" --base "$$base" $${remote:+--repo="$$remote"} \
	    --title "Enter $$ENV: $$branch" --body "Merging this adds the candidate; make advance proves it and begins its canary (docs/releases.md)."; }

release: ## run COMMAND=, one of these; release.yml calls it
	$(COMMIT_RELEASE)

status: ## what serves where, since when, from which commit and data
	@$(IN) python -m release status

ui: ## show what serves, where it comes from and the report, as pages on 127.0.0.1 (PREDICTOR=, PROMETHEUS=, TREE=1)
	@$(IN) python -m release page $(if $(TREE),--tree) $${PREDICTOR:+--predictor="$$PREDICTOR"} \
	  $${PROMETHEUS:+--prometheus="$$PROMETHEUS"} $${WINDOW:+--window="$$WINDOW"} $${LEAST:+--least="$$LEAST"} \
	  $${PORT:+--port="$$PORT"}

site: ## write the same pages as a static site into OUT=site
	@$(IN) python -m release page --out "$${OUT:-site}" $(if $(TREE),--tree) $${PROMETHEUS:+--prometheus="$$PROMETHEUS"} \
	  $${WINDOW:+--window="$$WINDOW"} $${LEAST:+--least="$$LEAST"}

mirror: ## repair MLflow's aliases champion, previous and challenger from what Git says
	@$(IN) python -m audit aliases

render: ## print what Argo CD will apply for MODEL= ENV= (needs kubectl)
	@$(call NEEDS,MODEL ENV); kubectl kustomize 'gitops/models/$(MODEL)/$(ENV)'

image: ## build the predictor's image as modelpin/predictor:local (TOOL=buildah for a machine without Docker)
	@$(if $(filter buildah,$(TOOL)),buildah bud --isolation chroot,docker build) \
	  $(if $(PIP_CONFIG_FILE),--secret id=pip,src=$(PIP_CONFIG_FILE)) --tag modelpin/predictor:local .

# Of what goes into it, so that an unchanged image has one already.
IMAGE_TAG = inputs-$$(git ls-tree -r HEAD -- $(IMAGE_INPUTS) | sha256sum | cut -c1-20)
image-tag: ## print the tag that the image of this commit's inputs has
	@echo "$(IMAGE_TAG)"

image-find: ## print the digest that the registry has under the tag of these inputs, if its attestations hold (needs gh)
	@$(PYTHON) -m image find "$(IMAGE_TAG)"

image-build: ## build the image for PLATFORMS=linux/amd64,linux/arm64 into build/image: equal inputs, equal digest
	@$(PYTHON) -m image build "$(IMAGE_TAG)"

image-sbom: ## write build/image-sbom.json: what the built image holds, as CycloneDX (needs syft)
	@rm -rf build/image-amd64 && skopeo copy --quiet --override-os linux --override-arch amd64 oci:build/image oci:build/image-amd64
	@"$${SYFT:-syft}" scan --quiet oci-dir:build/image-amd64 --source-name "$$($(PYTHON) -m image name)" \
	  --output cyclonedx-json=build/image-sbom.json

image-push: ## copy build/image to the registry, under the tag of its inputs or the next one that is free
	@$(PYTHON) -m image push "$(IMAGE_TAG)"

image-verify: ## fail unless the provenance and the SBOM of IMAGE= hold: built by image.yml, on the branch, at GitHub
	@$(call NEEDS,IMAGE); $(PYTHON) -m image verify "$$IMAGE"

##@ The embedded platform
.PHONY: up down
up: ## start S3, MLflow and a Git origin that runs the workflows, on 127.0.0.1
	@$(DEV) python -m local up $(if $(STATE),--state '$(STATE)')

down: ## stop them
	@$(DEV) python -m local down $(if $(STATE),--state '$(STATE)')

##@ A cluster on this machine
.PHONY: cluster e2e cluster-down
cluster: ## make a cluster by kind: Knative, KServe, Argo CD, S3, Git, a model that answers (needs Docker, kind, kubectl, helm)
	@$(PYTHON) local/cluster/preflight.py
	@$(DEV) python -m local.cluster up

e2e: ## tell the whole loop on it: push, retrain, deploy, canary, promote, roll back, rebuild, scale to zero
	@$(DEV) python -m local.cluster test

cluster-down: ## remove it; what its S3 and Git hold stays in .local/cluster
	@$(DEV) python -m local.cluster down

##@ Measurements
.PHONY: bench
bench: ## compare the predictor with KServe's own server, MLServer and FastAPI, side by side (BENCH_ARGS=--quick)
	@$(DEV) python -m bench $(BENCH_ARGS)

##@ Upkeep
.PHONY: upgrade docs
upgrade: ## follow the version TO= of modelpin: code replaced, your files kept, migrations, tests, one commit (TESTS=0)
	@$(DEV) python -m starter upgrade --to="$$TO" $(if $(filter 0,$(TESTS)),--no-tests)

docs: ## write docs/ as a site into build/docs, links and anchors checked
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) requirements/install.py docs -- mkdocs build --strict --quiet

.PHONY: check lint types lock extras venv clean
check: lint types test ## everything CI runs

lint: ## ruff, yamllint, zizmor, hadolint, shellcheck
	@$(DEV) ruff check .
	@$(DEV) ruff format --check .
	@$(DEV) yamllint --strict .
	@$(DEV) zizmor --offline --quiet --persona pedantic .github
	@$(DEV) hadolint Dockerfile
	@$(DEV) shellcheck .ci/run

types: ## mypy, strict
	@$(DEV) mypy $(PACKAGES)

lock: ## resolve requirements/*.in again: serving first, the others constrained by it
	@cd requirements && for role in serving pipeline platform $(foreach extra,$(KNOWN_EXTRAS),extras/$(extra)) dev storage docs bootstrap; do \
	  echo "locking $$role"; \
	  held=; case "$$role" in extras/*) held=$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' serving.txt) ;; esac; \
	  $(PYTHON) install.py bootstrap --venvs ../.venvs -- uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-annotate $$(test ! -f $$role.excludes || echo --excludes $$role.excludes) --custom-compile-command "make lock" \
	    $(LOCK_ARGS) $$held $$role.in -o $$role.txt || exit 1; done
	@sed -n 's/^# chosen: //p' requirements/extras/chosen.txt | xargs -r $(PYTHON) requirements/extras/choose.py

extras: ## let the image and the training hold EXTRAS="lightgbm xgboost shap sigstore", or some of them; none takes them back
	@$(PYTHON) requirements/extras/choose.py $(EXTRAS)

venv: ## make the environment of ROLE= and print its path
	@$(PYTHON) requirements/install.py $(ROLE)

clean: ## remove what the stages and the tests wrote (environments and the platform's state stay)
	@rm -rf build reports .pytest_cache .mypy_cache .ruff_cache
