-- Health of an InferenceService, one release, for Argo CD, in place of its built-in rule, which takes a model that is scaled to zero
-- (KServe reports it as InProgress, with no copies) for one that is progressing for ever.
-- Conditions and states: serving.kserve.io/v1beta1 InferenceServiceStatus.
local function answer(status, message)
  return {status = status, message = message}
end

local status = obj.status
if status == nil or status.conditions == nil then
  return answer("Progressing", "waiting for KServe to report a status")
end

local ready, waiting = false, {}
for _, condition in ipairs(status.conditions) do
  if condition.type == "Stopped" then
    if condition.status == "True" then
      return answer("Suspended", "stopped by serving.kserve.io/stop")
    end
  elseif condition.status == "True" then
    ready = ready or condition.type == "Ready"
  else
    local text = condition.type .. " is " .. condition.status
    if condition.message ~= nil and condition.message ~= "" then
      text = text .. ": " .. condition.message
    end
    table.insert(waiting, text)
  end
end

local model = status.modelStatus or {}
local failure = model.lastFailureInfo or {}
if model.transitionStatus == "BlockedByFailedLoad" or model.transitionStatus == "InvalidSpec" then
  return answer("Degraded", model.transitionStatus .. ": " .. (failure.message or table.concat(waiting, "; ")))
end
if not ready or #waiting > 0 then
  return answer("Progressing", table.concat(waiting, "; "))
end

local predictor = (status.components or {}).predictor or {}
if predictor.latestCreatedRevision ~= predictor.latestReadyRevision then
  return answer("Progressing", "revision " .. tostring(predictor.latestCreatedRevision) .. " is not ready yet")
end
if model.transitionStatus == "InProgress" then
  -- KServe omits a zero.
  if ((model.copies or {}).totalCopies or 0) == 0 then
    return answer("Healthy", "ready, scaled to zero")
  end
  return answer("Progressing", "the model is loading")
end
return answer("Healthy", "ready")
