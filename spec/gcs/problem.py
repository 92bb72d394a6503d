"""problem: errors as the JSON API has them.

    raise Problem(412)                        status, reason and message as Google's
    raise Problem(400, message="...")
"""
import json

REASONS = {
    304: ("notModified", "Not Modified"),
    400: ("invalid", "Bad Request"),
    401: ("authError", "Invalid Credentials"),
    403: ("forbidden", "Forbidden"),
    404: ("notFound", "Not Found"),
    405: ("methodNotAllowed", "Method Not Allowed"),
    408: ("requestTimeout", "Request Timeout"),
    409: ("conflict", "You already own this bucket. Please select another name."),
    410: ("backendError", "Backend Error"),
    411: ("lengthRequired", "Length Required"),
    412: ("conditionNotMet", "At least one of the pre-conditions you specified did not hold."),
    413: ("uploadTooLarge", "Payload Too Large"),
    416: ("requestedRangeNotSatisfiable", "The requested range cannot be satisfied."),
    429: ("rateLimitExceeded", "The object exceeded the rate limit for object mutation operations "
          "(create, update, and delete). Please reduce your request rate."),
    499: ("clientClosedRequest", "Client Closed Request"),
    500: ("backendError", "Backend Error"),
    501: ("notImplemented", "Not Implemented"),
    503: ("backendError", "Backend Error"),
}


class Problem(Exception):
    """What a request is refused with."""

    def __init__(self, status, reason=None, message=None, headers=()):
        usual = REASONS.get(status, ("unknown", "Error"))
        super().__init__(message or usual[1])
        self.status = status
        self.reason = reason or usual[0]
        self.message = message or usual[1]
        self.headers = list(headers)

    def body(self, size=0):
        """The JSON text, of at least `size` bytes."""
        error = {"code": self.status, "message": self.message, "errors": [
            {"message": self.message, "domain": "global", "reason": self.reason}]}
        text = json.dumps({"error": error}, indent=1)
        if len(text) < size:
            error["debugInfo"] = "x" * (size - len(text))
            text = json.dumps({"error": error}, indent=1)
        return text.encode()
