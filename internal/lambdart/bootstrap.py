# Runs a Python handler under the Lambda Runtime API, and reports as the managed runtimes do.
import decimal, http.client, importlib, json, logging, os, sys, time, traceback, types, urllib.parse

ROOT, ENV = os.environ["LAMBDA_TASK_ROOT"], os.environ
sys.path[0], request_id = ROOT, ""
ascii = int(ENV["AWS_EXECUTION_ENV"].rpartition(".")[2]) < 12  # newer runtimes leave other letters as they are
api = http.client.HTTPConnection(ENV["AWS_LAMBDA_RUNTIME_API"])


class Fault(Exception):
    def __init__(self, kind, message, trace=()):
        self.kind, self.message, self.trace = "Runtime." + kind, message, list(trace)


def call(method, path, body=None, kind=""):
    headers = {"Lambda-Runtime-Function-Error-Type": kind} if kind else {}
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    body = answer.read()
    if answer.status >= 300:
        raise SystemExit(body.decode())
    return answer.headers, body


def report(path, error):
    if not isinstance(error, Fault):  # the frames of the function only
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
        while frames and "importlib" in frames[0].filename:
            frames.pop(0)
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames)
    else:
        kind, message, trace = error.kind, error.message, error.trace
    sys.stdout.write("[ERROR] %s: %s\nTraceback (most recent call last):\n%s\n" % (kind, message, "".join(trace)))
    body = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    call("POST", path, json.dumps(body, ensure_ascii=ascii).encode(), "Unhandled" if request_id else kind)


def load(name):
    module, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e), ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)])
    if not hasattr(loaded, function):
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module))
    return getattr(loaded, function)


def plain(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def marshal(answer):
    try:
        return answer if isinstance(answer, bytes) else json.dumps(answer, default=plain, ensure_ascii=ascii).encode()
    except Exception as e:
        raise Fault("MarshalError", "Unable to marshal response: %s" % e)


def context(headers):
    deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
    client = headers["Lambda-Runtime-Client-Context"]
    return types.SimpleNamespace(
        aws_request_id=request_id, invoked_function_arn=headers["Lambda-Runtime-Invoked-Function-Arn"],
        function_name=ENV["AWS_LAMBDA_FUNCTION_NAME"], function_version=ENV["AWS_LAMBDA_FUNCTION_VERSION"],
        memory_limit_in_mb=ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], log_group_name=ENV["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=ENV["AWS_LAMBDA_LOG_STREAM_NAME"], identity=None, client_context=client and json.loads(client), log=sys.stdout.write,
        get_remaining_time_in_millis=lambda: max(deadline - int(time.time() * 1000), 0))


logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
logging.Formatter.converter = time.gmtime
logging.getLogger().handlers[0].addFilter(lambda record: setattr(record, "aws_request_id", request_id) or True)
try:
    handler = load(ENV["_HANDLER"])
except Exception as e:
    report("init/error", e)
    sys.exit(1)
while True:
    request_id = ""
    headers, event = call("GET", "invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    ENV["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
    try:
        answer = marshal(handler(json.loads(event), context(headers)))
    except Exception as e:
        report("invocation/%s/error" % urllib.parse.quote(request_id, ""), e)
    else:
        call("POST", "invocation/%s/response" % urllib.parse.quote(request_id, ""), answer)
