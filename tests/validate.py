#!/usr/bin/python3
"""Validates result documents: validate.py FILE...

Exit code 0 when every file conforms to datasets/schema/assay.result.1.json, 1 when one does not
(the path of its first error is printed), 77 when jsonschema is not installed.
"""
import json
import pathlib
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("validate.py: python3-jsonschema is not installed: nothing was validated")
    sys.exit(77)

SCHEMA = pathlib.Path(__file__).parent.parent / "datasets/schema/assay.result.1.json"


def strict(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def innermost(error):
    """Of a oneOf over kinds, the errors of the branch that the document's kind chose."""
    while error.context:
        wrong_kind = {e.schema_path[0] for e in error.context if list(e.path)[-1:] == ["kind"]}
        own = [e for e in error.context if e.schema_path[0] not in wrong_kind]
        error = max(own or error.context, key=lambda e: len(e.absolute_path))
    return error


def first_error(validator, path):
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file, object_pairs_hook=strict, parse_constant=no_constant)
    except (OSError, ValueError) as error:
        return str(error)
    for error in validator.iter_errors(document):
        error = innermost(error)
        return f"{error.json_path}: {error.message[:300]}"
    return None


def main(paths):
    if not paths:
        print(__doc__)
        return 1
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    bad = 0
    for path in paths:
        error = first_error(validator, path)
        if error:
            print(f"{path}: {error}")
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
