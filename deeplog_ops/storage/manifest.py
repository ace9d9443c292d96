"""Which raw files a source has: files, folders and patterns expanded, unfinished and hidden files left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fsspec.utils import glob_translate
from upath import UPath

from deeplog_ops.errors import MissingInput
from deeplog_ops.storage.paths import is_local, open_path

# Names that editors, copies and downloads give to files that are not complete.
UNFINISHED = (".tmp", ".temp", ".swp", ".swx", ".part", ".partial", ".crdownload", ".filepart", ".lock", "~")
_MAGIC = re.compile(r"[*?\[]")


def find(paths: Sequence[str], exclude: Sequence[str] = (), connection: str | None = None) -> list[UPath]:
    """The files that `paths` name, sorted, each once.

    A path is a file, a folder (all files below it) or a pattern (`*`, `?`, `[...]`; `**` for any number of folders),
    local or on an object store. Of folders and patterns, hidden files and folders and UNFINISHED files are left out.
    `exclude` holds patterns for the whole path, or, without a slash, for the name of the file or of any folder above
    it. Raises MissingInput when a path without a pattern does not exist, or when nothing at all is found.
    """
    excluded = [_Excluded(pattern) for pattern in exclude]
    found: dict[str, UPath] = {}
    for text in paths:
        path = open_path(_absolute(text), connection)
        # A listing kept from an earlier look would hide files that came since.
        path.fs.invalidate_cache()
        for file in _expand(path, text):
            if not any(pattern(file.path) for pattern in excluded):
                found.setdefault(str(file), file)
    if not found:
        raise MissingInput(_nothing(paths, exclude))
    return [found[name] for name in sorted(found)]


def _expand(path: UPath, text: str) -> Iterator[UPath]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from _complete(path, _below(path, path.path), path.path)
    elif _MAGIC.search(text):
        root = _MAGIC.split(path.path, maxsplit=1)[0].rpartition("/")[0]
        yield from _complete(path, _matching(path, root), root)
    else:
        raise MissingInput(
            f"{text} does not exist: expected a file, a folder or a pattern such as {text}/**/*.log"
        )


def _matching(path: UPath, root: str) -> list[str]:
    """The files that the pattern `path` matches; `root` is the folder before its first wildcard."""
    if "**" in path.path:
        wanted = re.compile(glob_translate(path.path))
        return [name for name in _below(path, root) if wanted.match(name)]
    found = path.fs.glob(path.path, detail=True)
    return [name for name, info in found.items() if info.get("type") == "file"]


def _below(path: UPath, root: str) -> list[str]:
    """All files below a folder. Of links that lead in a circle, each folder is entered once."""
    if not is_local(path):
        return list(path.fs.find(root))
    entered: set[tuple[int, int]] = set()
    names = []
    for folder, subfolders, files in os.walk(root, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in entered:
            subfolders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        subfolders.sort()
        names += [os.path.join(folder, name) for name in files]
    return [name for name in names if os.path.isfile(name)]


def _complete(path: UPath, names: list[str], root: str) -> Iterator[UPath]:
    """The files that are neither hidden nor unfinished."""
    for name in names:
        below = name[len(root) :].strip("/").split("/")
        if any(part.startswith(".") for part in below) or name.endswith(UNFINISHED):
            continue
        yield path.with_segments(name if is_local(path) else f"{path.protocol}://{name}")


class _Excluded:
    """Whether a path is excluded by one pattern."""

    def __init__(self, pattern: str) -> None:
        self._whole = "/" in pattern
        text = pattern.split("://", 1)[-1]
        if self._whole and "://" not in pattern:
            text = _absolute(text)
        self._regex = re.compile(glob_translate(text))
        self._folder = re.compile(glob_translate(text.rstrip("/") + "/**")) if self._whole else None

    def __call__(self, path: str) -> bool:
        if self._whole:
            return bool(self._regex.match(path) or (self._folder and self._folder.match(path)))
        return any(self._regex.match(part) for part in PurePosixPath(path).parts)


def _absolute(text: str) -> str:
    """Local paths made absolute with `~` expanded: a run may have another working folder than the person."""
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


def _nothing(paths: Sequence[str], exclude: Sequence[str]) -> str:
    looked = ", ".join(paths)
    without = f", excluding {', '.join(exclude)}" if exclude else ""
    return f"no files were found: looked for {looked}{without}. Hidden files and {' '.join(UNFINISHED)} are left out"
