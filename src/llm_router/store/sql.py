"""SQLAlchemy's asynchronous engine without its ORM.

`sqlalchemy.ext.asyncio` imports the whole object-relational mapper for the sake of one class; nothing here maps
objects, and the mapper weighs 7 MB in a process that lives on a Raspberry Pi. So only the package's `engine` module
is loaded, in an empty package of that name. This is the one place that imports it.
"""

import sys
from importlib.util import find_spec
from types import ModuleType

_PACKAGE = "sqlalchemy.ext.asyncio"

if _PACKAGE not in sys.modules:
    _spec = find_spec(_PACKAGE)
    assert _spec is not None
    assert _spec.submodule_search_locations is not None
    _package = ModuleType(_PACKAGE)
    _package.__spec__ = _spec
    _package.__path__ = _spec.submodule_search_locations
    sys.modules[_PACKAGE] = _package

from sqlalchemy.ext.asyncio.engine import AsyncConnection, AsyncEngine, create_async_engine  # noqa: E402
from sqlalchemy.util import concurrency  # noqa: E402

# What the package itself does when it is imported whole.
concurrency._concurrency_shim._initialize()

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
