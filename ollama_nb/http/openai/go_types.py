"""What Go calls the types of JSON values, which some error texts name."""

_NAMES = {
    type(None): "<nil>",
    bool: "bool",
    int: "float64",
    float: "float64",
    str: "string",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def go_type(value: object) -> str:
    """The name of a value that was read from JSON."""
    return _NAMES[type(value)]
