"""The one exception that reaches a person."""


class StellarError(Exception):
    """Something a person can put right; its message is one sentence that names the thing and the way out.

    The command line prints the message on stderr and exits with code 1, without a traceback.
    """
