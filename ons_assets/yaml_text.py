"""What a file of YAML says, that people write: whatever is wrong with it is one sentence."""

import yaml


class NotYaml(ValueError):
    """A text is no YAML; the message is one sentence."""


def parsed(content: bytes, name: str) -> object:
    """Return what a text of YAML says; None if it says nothing.

    Parameters
    ----------
    content
        The text.
    name
        Of its file.

    Raises
    ------
    NotYaml
        If it is none, with the line where that is known.
    """
    try:
        said: object = yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise NotYaml(f"{name} is not valid YAML{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        # Bytes that are no text; a day that there is not; brackets without end.
        raise NotYaml(f"{name} is not valid YAML") from None
    return said
