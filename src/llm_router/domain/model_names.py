"""How models are named: what of a name says when a model was released, and what says which model it is.

Prices hang on this: `gpt-5-2025-08-07` is `gpt-5`, and `gpt-5-mini` is not.
"""

import re

_DATE = r"20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
_RELEASED = re.compile(rf"(?:[-@](?:{_DATE}|latest))+$|:latest$")

# What vendors hang behind a name that a price list only begins: the above, `-05-06`, `-09-2025`, `-0613`, `-001`,
# `-preview`, `-exp`, and Bedrock's `-v1:0`. Each mark is read once (`*+`): a name of many dates has very many readings.
_MARKS = re.compile(
    rf"""(?x) (?: [-@:] (?: {_DATE} | \d\d-20\d\d | \d\d-\d\d | \d{{3,4}} | latest | default | preview
      | exp(?:erimental)? ) | -v\d+ (?: [.:]\d+ )? | :\d+ )*+"""
)

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


def undated(name: str) -> str:
    """`name` without the date, or the `latest`, that it ends with. `-preview` stays: it is another model's price."""
    return _RELEASED.sub("", name)


def is_release_of(name: str, model: str) -> bool:
    """Whether `name` is `model`, or one of its dated releases; upper case or lower makes no difference."""
    name, model = name.lower(), model.lower()
    return model in (name, undated(name))


def has_only_marks(rest: str) -> bool:
    """Whether `rest` of a name says no more than which release it is: `-20250929-v1:0`, and not `-mini`."""
    return _MARKS.fullmatch(rest) is not None


def with_dashed_date(name: str) -> str:
    """`-20251211`, as some relays write what the vendor writes `-2025-12-11`."""
    return _COMPACT_DATE.sub(r"-\1-\2-\3", name)


def base_of_fine_tune(name: str) -> str:
    """`ft:gpt-4o-mini-2024-07-18` of `ft:gpt-4o-mini-2024-07-18:org:name:id`; any other name as it is.

    A fine-tune costs what every fine-tune of its base costs, which is more than the base.
    """
    return ":".join(name.split(":")[:2]) if name.startswith("ft:") else name
