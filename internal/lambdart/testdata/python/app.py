"""A function that does as its event says."""
import datetime
import decimal
import logging
import os
import sys
import time

calls = 0


class CardDeclined(Exception):
    pass


def handler(event, context):
    global calls
    calls += 1
    return globals()["do_" + event["do"]](event, context)


def do_echo(event, context):
    return event["value"]


def do_context(event, context):
    return {"pid": os.getpid(), "calls": calls, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "name": context.function_name, "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis() / 1000}


def do_error(event, context):
    raise ValueError("no luck")


def do_custom(event, context):
    raise CardDeclined("card 1234 was declined")


def do_exit(event, context):
    print("last words")
    sys.exit(1)


def do_exit_well(event, context):
    sys.exit()


def do_sleep(event, context):
    print("going to sleep")
    time.sleep(event["seconds"])
    return "rested"


def do_hog(event, context):
    hog = bytearray(os.urandom(1 << 20) * event["mb"])
    time.sleep(5)
    return len(hog)


def do_big(event, context):
    return "x" * (event["mb"] << 20)


def do_log(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.getLogger().warning("a warning")
    print("no end", end="")


def do_date(event, context):
    return datetime.datetime.now()


def do_decimal(event, context):
    return [decimal.Decimal("1.5"), decimal.Decimal(7)]


def do_child(event, context):
    return os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "300")
