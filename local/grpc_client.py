"""Asks a predictor over the gRPC of the Open Inference Protocol.

    python -m local.grpc_client HOST:PORT MODEL < request.json      ({"columns": [name, …], "rows": [[…], …]})

A process of its own: KServe's messages are in the predictor's environment.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from artifact.command import run
from local.deadlines import ANSWER_SECONDS
from predictor import kserve_import


def main(argv: Sequence[str] | None = None) -> None:
    """Prints {"labels": [rows], "probabilities": [rows × classes], "digest": the artifact's}."""
    parser = argparse.ArgumentParser(prog="python -m local.grpc_client", description=__doc__.partition("\n")[0])
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("model")
    options = parser.parse_args(argv)
    with kserve_import.kserve():  # all of kserve asks for more than that environment has
        import grpc
        from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
        from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as services

    rows = json.load(sys.stdin)["rows"]
    request = messages.ModelInferRequest(model_name=options.model)
    tensor = request.inputs.add(name="input-0", datatype="FP64", shape=[len(rows), len(rows[0])])
    tensor.contents.fp64_contents.extend(value for row in rows for value in row)
    with grpc.insecure_channel(options.address) as channel:
        answer = services.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=ANSWER_SECONDS)
    outputs = {output.name: output.contents for output in answer.outputs}
    labels = [value.decode() for value in outputs["label"].bytes_contents]
    probabilities = list(outputs["probabilities"].fp64_contents)
    print(json.dumps({"labels": labels, "probabilities": probabilities, "digest": answer.model_version}))


if __name__ == "__main__":
    run(main)
