"""A dictionary that cannot change, for results that hold one.

In: any mapping. Out: :class:`FrozenDict`, which is equal to it, is written as JSON like it,
and can be hashed, pickled and copied.
"""

from typing import Any, NoReturn, TypeVar

__all__ = ["FrozenDict"]

Key = TypeVar("Key")
Value = TypeVar("Value")


class FrozenDict(dict[Key, Value]):
    """A read-only dictionary. Immutable; hashable where its values are.

    It is a ``dict``, unlike ``types.MappingProxyType``, so that ``json.dumps`` and
    ``dataclasses.asdict`` take it.

    >>> labels = FrozenDict({"loop": 3})
    >>> labels == {"loop": 3}, labels["loop"], len({labels, FrozenDict(loop=3)})
    (True, 3, 1)
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be changed; make a copy with dict()")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type["FrozenDict[Key, Value]"], tuple[dict[Key, Value]]]:
        return type(self), (dict(self),)
