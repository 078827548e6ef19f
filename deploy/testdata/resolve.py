"""Works out the role's policy of a template as CloudFormation would: resolve.py TEMPLATE PARAMETERS-AS-JSON."""
import json
import re
import sys

from samtranslator.yaml_helper import yaml_parse

template = yaml_parse(open(sys.argv[1]).read())
values = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::NoValue": None}
for name, parameter in template["Parameters"].items():
    value = json.loads(sys.argv[2]).get(name, parameter.get("Default"))
    values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else value


def condition(c):
    (name, args), = c.items()
    if name == "Condition":
        return condition(template["Conditions"][args])
    if name == "Fn::Equals":
        return str(resolve(args[0])) == str(resolve(args[1]))
    if name == "Fn::Not":
        return not condition(args[0])
    if name == "Fn::And":
        return all(condition(a) for a in args)
    raise ValueError(name)


def sub(text, local):
    return re.sub(r"\$\{([^}]+)\}", lambda m: str(local.get(m[1], values.get(m[1], m[1] + ".arn"))), text)


def resolve(v):
    if isinstance(v, list):
        return [r for r in (resolve(item) for item in v) if r is not None]
    if not isinstance(v, dict):
        return v
    if len(v) == 1:
        (name, args), = v.items()
        if name == "Ref":
            return values.get(args, args + ".ref")
        if name == "Fn::GetAtt":
            return ".".join(args) if isinstance(args, list) else args
        if name == "Fn::Join":
            return args[0].join(resolve(args[1]))
        if name == "Fn::Split":
            return resolve(args[1]).split(args[0])
        if name == "Fn::Select":
            return resolve(args[1])[int(args[0])]
        if name == "Fn::Sub":
            return sub(args, {}) if isinstance(args, str) else sub(args[0], resolve(args[1]))
        if name == "Fn::If":
            return resolve(args[1] if condition(template["Conditions"][args[0]]) else args[2])
    return {k: r for k, r in ((k, resolve(item)) for k, item in v.items()) if r is not None}


resources = template["Resources"]
json.dump({
    "statements": resolve(resources["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]),
    "environment": resolve(resources["Troubleshooter"]["Properties"]["Environment"]["Variables"]),
}, sys.stdout)
