import not_there

def handler(event, context): pass
