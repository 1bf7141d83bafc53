"""What goes wrong while the model is set up: an answer, or one clear line, and nothing else.

In: the command line, in child processes on caches of their own. Out: how often a set-up that is
killed, a full disk, damaged files, set-ups at once and a read-only cache end in the right answer,
in one line, or in a defect (benchmarks/results/setup_faults.json). For Linux; best run as root.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from benchmarks.command import RESULTS, write_report
from kvrm_grammar.cache import CACHE_VARIABLE
from kvrm_grammar.weights.fetch import BASE_WHEEL_VARIABLE, REQUIREMENT
from kvrm_grammar.weights.packaged_base import packaged_base_path
from kvrm_grammar.weights.verified import fingerprint, note_verified
from training.arguments import positive_integer
from training.provenance import current_commit, processor

__all__ = ["ANSWER", "DAMAGES", "DEFECT", "ONE_LINE", "classify", "left_over"]

ANSWER, ONE_LINE, DEFECT = "answer", "one clear line", "defect"
Ran = subprocess.CompletedProcess[str]

_TEXT, _TIMEOUT_S = "sub r5 r3 r1", 600
_SETUP, _DECODE = ("setup",), ("decode", _TEXT)
_LENIENT = ("decode", "--dialect", "lenient", _TEXT)
_DISKS_MIB = (20, 80, 100, 150, 185, 250, 400, 440, 444, 450, 466, 472, 480, 600, 666, 680)
_PACKAGES = "filelock gguf openvino outlines_core pip safetensors tokenizers".split()
# Root without this may not write where the modes of its own files forbid it.
_IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
_BOUND = "setpriv --bounding-set=-dac_override".split() if _IS_ROOT else []
# What may stand on standard error beside an answer: what `setup` tells, and warnings.
_FINE = r"base model: .+|\w+ dialect: ready|warning: .+|.+:\d+: RuntimeWarning: .+(\n  .+)?"
# Set-up is killed at these moments too, told by what has just appeared in the cache.
_MOMENTS = (
    *".build-*/wheel .build-*/original.gguf .build-*/converted/model.safetensors".split(),
    *(".build-*/converted/manifest.json", packaged_base_path(Path()).name),
    *"graphs/.build-*/graph/graph.bin graphs/.build-*/graph/graph.blob".split(),
    *"graphs/[!.]*/graph.blob index/*.tmp".split(),
)


def classify(ran: Ran, expected: str) -> str:
    """Say how a command ended of which ``expected`` is the right standard output."""
    rest = re.sub(rf"^({_FINE})\n", "", ran.stderr, flags=re.MULTILINE)
    if ran.returncode == 0 and ran.stdout == expected and not rest:
        return ANSWER
    clear = re.fullmatch(r"error: .+\n", rest) and ran.stderr.endswith(rest)
    return ONE_LINE if clear and ran.returncode > 0 and not ran.stdout else DEFECT


def left_over(cache: Path, known: Collection[str]) -> dict[str, int]:
    """Files of a cache, with their bytes, whose names are not known."""
    files = {path.relative_to(cache).as_posix(): path for path in sorted(cache.rglob("*"))}
    unknown = {name: path for name, path in files.items() if name not in known}
    return {name: path.stat().st_size for name, path in unknown.items() if path.is_file()}


def _flip(path: Path, rng: Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path, Random], None]] = {
    "truncated": lambda path, rng: os.truncate(path, rng.randrange(path.stat().st_size)),
    "one bit flipped": _flip,
    "emptied": lambda path, _: os.truncate(path, 0),
    "deleted": lambda path, _: path.unlink(),
}
"""What is done to a file that is not empty."""


class Lab:
    """A folder with a good cache, commands on other caches, and how all of them ended."""

    def __init__(self, folder: Path, wheels: Path | None) -> None:
        self.folder, self.good, self.wheels = folder, folder / "good", wheels or folder / "wheels"
        self.counts, self.said = (defaultdict[str, Counter[str]](Counter) for _ in range(2))
        self.defects, self.leftovers = list[dict[str, Any]](), list[dict[str, Any]]()
        if wheels is None:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d"]
            subprocess.run([*pip, str(self.wheels), REQUIREMENT], check=True)
        self.expected, _ = self.start(self.good, ("parse", _TEXT)).communicate()
        self.name, started = "undisturbed", time.perf_counter()
        self.run(self.good, _SETUP, must=True)
        self.setup_s = time.perf_counter() - started
        self.run(self.good, _DECODE, must=True)
        self.known = left_over(self.good, ())

    def start(self, cache: Path, command: Sequence[str], *prefix: str) -> "subprocess.Popen[str]":
        """Start a command in a session of its own; its pip finds the wheel in a folder."""
        env = {name: text for name, text in os.environ.items() if name != BASE_WHEEL_VARIABLE}
        env |= {CACHE_VARIABLE: str(cache), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        command = [*prefix, sys.executable, "-m", "kvrm_grammar", *command]
        return subprocess.Popen(command, text=True, env=env, start_new_session=True, **pipes)

    def run(self, cache: Path, command: Sequence[str], *prefix: str, **how: Any) -> None:
        """Run a command, or ``times`` at once; count, as ``what``, how it ended."""
        what = how.get("what", command[0])
        key = f"{self.name.partition(',')[0]}: {what}"
        limited = ("timeout", "-sKILL", f"{_TIMEOUT_S}", *prefix)  # one that hangs is a defect
        for process in [self.start(cache, command, *limited) for _ in range(how.get("times", 1))]:
            stdout, stderr = process.communicate()
            ran = Ran(command, process.returncode, stdout, stderr)
            outcome = classify(ran, "" if command == _SETUP else self.expected)
            outcome = DEFECT if how.get("must") and outcome != ANSWER else outcome
            self.counts[key][outcome] += 1
            plain = stderr.replace(str(self.folder), "").replace(f"{Path.cwd()}/", "")
            said = re.sub(r"[0-9a-f]{16,}|\d{3,}", "#", plain)
            self.said[f"{key}: {outcome}"].update(said.splitlines())
            if outcome == DEFECT:
                self.defects.append({"case": self.name, "what": what, **vars(ran)})
            print(f"{self.name}: {what}: {outcome}", file=sys.stderr, flush=True)

    @contextmanager
    def case(self, name: str, copy: Any = None, without: str = "", at: str = "") -> Iterator[Path]:
        """A cache folder for a case: none yet, or a copy of the good one ``without`` some of it."""
        self.name, folder = name, Path(mkdtemp(dir=self.folder / at))
        cache = folder / "cache"
        if copy is not None:
            ignored = shutil.ignore_patterns(*without.split())
            shutil.copytree(self.good, cache, ignore=ignored, copy_function=copy)
        yield cache
        # What is left over may stay until the next set-up, some days later, no longer.
        if found := left_over(cache, self.known):
            subprocess.run(["touch", "-d", "3 days ago", *(cache / name for name in found)])
            self.run(cache, _SETUP, what="setup, after leftovers", must=True)
            stay = left_over(cache, self.known)
            self.leftovers.append({"case": name, "left_over": found, "stay": stay})
            self.defects += [self.leftovers[-1]] if stay else []
        shutil.rmtree(folder)


@contextmanager
def _mounted(*options: str, at: Path) -> Iterator[bool]:
    at.mkdir(parents=True, exist_ok=True)
    done = not subprocess.run(["mount", *options, str(at)], capture_output=True).returncode
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "--lazy", str(at)], check=True)


def killed(lab: Lab, options: argparse.Namespace) -> None:
    """Set-up alone is killed, its pip is not; a decode repairs what is left."""
    step = lab.setup_s / options.kill_points
    times = [round(step * (number + 0.5), 2) for number in range(options.kill_points)]
    for moment in [*times, *_MOMENTS]:
        with lab.case(f"killed, at {moment}") as cache:
            started, process = time.perf_counter(), lab.start(cache, _SETUP)
            due = float(moment) if moment in times else _TIMEOUT_S
            while process.poll() is None and time.perf_counter() - started < due:
                if glob.glob(str(moment), root_dir=cache, include_hidden=True):
                    break
                time.sleep(0.0005)
            process.kill()
            lab.counts["killed: exit status of setup"][str(process.wait())] += 1
            lab.run(cache, _DECODE, must=True)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def full(lab: Lab, options: argparse.Namespace) -> None:
    """A disk of a size, or files that may not grow beyond it; then room is made."""
    for mib in options.disks_mib:
        with _mounted(f"-osize={mib}m", "-ttmpfs", "none", at=lab.folder / "disk") as is_small:
            limit = () if is_small else ("prlimit", f"--fsize={mib << 20}")
            with lab.case(f"full, {['files', 'disk'][is_small]} of {mib} MiB", at="disk") as cache:
                lab.run(cache, _SETUP, *limit)
                lab.run(cache, _DECODE, *limit)
                if is_small:
                    subprocess.run(["mount", "-oremount,size=2g", lab.folder / "disk"], check=True)
                lab.run(cache, _DECODE, what="decode, room made", must=True)


def damaged(lab: Lab, options: argparse.Namespace) -> None:
    """Each file of a good cache that was noted as verified is damaged in each manner."""
    wanted = [(name, way) for name, size in lab.known.items() for way in DAMAGES if size]
    for number, (name, manner) in enumerate(wanted * options.damages):
        with lab.case(f"damaged, {name} {manner}", copy=os.link) as cache:
            (cache / name).unlink()
            shutil.copy2(lab.good / name, cache / name)
            for note in cache.rglob("*.verified"):
                note_verified(note.with_suffix(""), fingerprint(note.with_suffix("")))
            DAMAGES[manner](cache / name, Random(f"{options.seed} {number}"))
            for command in (_DECODE, _LENIENT) if name.startswith("graphs/") else (_DECODE,):
                lab.run(cache, command)
                lab.run(cache, command, what="decode, again")


def together(lab: Lab, options: argparse.Namespace) -> None:
    """Set-ups that begin at once."""
    for count in options.together:
        with lab.case(f"together, {count}") as cache:
            lab.run(cache, _SETUP, must=True, times=count)
            lab.run(cache, _DECODE, must=True)


def read_only(lab: Lab, options: argparse.Namespace) -> None:
    """A cache with nothing, the base alone, or all in it that may not be written to."""
    states = {"nothing": "*", "the base": "graphs index", "all": ""}
    for state, without in [*states.items()] * options.read_only:
        with lab.case(f"read only, {state}", copy=shutil.copy2, without=without) as cache:
            with _mounted("--bind", "-oro", str(cache), at=cache.with_name("ro")) as is_mounted:
                for command in (_DECODE, _SETUP) if is_mounted else ():
                    lab.run(cache.with_name("ro"), command, what=f"{command[0]}, mounted")
            subprocess.run(["chmod", "-R", "a-w", cache], check=True)
            lab.run(cache, _DECODE, *_BOUND, what="decode, by mode")
            lab.run(cache, _SETUP, *_BOUND, what="setup, by mode")
            subprocess.run(["chmod", "-R", "u+w", cache], check=True)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parts = {part.__name__: part for part in (killed, full, damaged, together, read_only)}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=parts, default=[*parts])
    parser.add_argument("--kill-points", type=positive_integer, default=100, help="in a set-up")
    parser.add_argument("--disks-mib", type=positive_integer, nargs="+", default=_DISKS_MIB)
    parser.add_argument("--damages", type=positive_integer, default=1, help="a file and manner")
    parser.add_argument("--together", type=positive_integer, nargs="+", default=[2, 4])
    parser.add_argument("--read-only", type=positive_integer, default=1, help="rounds")
    parser.add_argument("--seed", type=int, default=515_151)
    parser.add_argument("--wheels", type=Path, help="folder with the base's wheel (or download it)")
    parser.add_argument("--output", type=Path, default=RESULTS / "setup_faults.json")
    options = parser.parse_args(argv)
    report: dict[str, Any] = {"commit": current_commit(), "processor": processor()}
    report["versions"] = {"python": sys.version.split()[0]} | {n: version(n) for n in _PACKAGES}
    report["options"] = {k: v for k, v in vars(options).items() if k not in ("wheels", "output")}
    with TemporaryDirectory(prefix="setup-faults-") as folder:
        lab = Lab(Path(folder), options.wheels and options.wheels.absolute())
        report |= {"undisturbed_setup_s": round(lab.setup_s, 2), "seconds": {}}
        report |= {name: getattr(lab, name) for name in ("counts", "leftovers", "defects", "said")}
        for name in options.parts:
            started = time.perf_counter()
            parts[name](lab, options)
            report["seconds"][name] = round(time.perf_counter() - started)
            write_report(report, options.output)
    return 1 if lab.defects else 0


if __name__ == "__main__":
    sys.exit(main())
