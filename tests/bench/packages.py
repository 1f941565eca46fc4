"""What each function is made of: how long its import takes, how large its package is, and what is not in it.

Each is imported in interpreters of its own that see what a Lambda sees and nothing else: its file, the two layers, and
the runtime's boto3.
"""

from __future__ import annotations

import compileall
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.background import PROJECT
from local.gaps import RUNTIME_PACKAGES
from tests.bench.report import Progress, Row, median, ms

NAME = "packages"
TIMES = 3
HEAVY = ("numpy", "scipy", "pandas", "highspy", "matplotlib")
SESSION_PATH = ("authorise", "ocpi_sessions", "plan_sessions", "send_profiles", "ocpi_chargingprofiles")
LARGEST_MB = 250
"""What a function and its layers may have, unzipped (Lambda's quota)."""

IMPORT = """
import sys, time
before = set(sys.modules)
began = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - began, len(set(sys.modules) - before))
"""
IMPORT_ALL = """
import sys
for name in sys.argv[1:]:
    __import__(name)
import offpeak.wiring as wiring, tests.bench.carry
import boto3, json
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """The folders that a function's interpreter looks into."""

    folders: tuple[Path, ...]

    def run(self, code: str, *arguments: str, isolated: bool = True) -> str:
        """Run code in an interpreter of its own, without the packages installed beside it when `isolated`."""
        flags = ["-S"] if isolated else []
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, self.folders)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "POWERTOOLS_SERVICE_NAME": "bench",
        }
        command = [sys.executable, *flags, "-c", code, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    def import_s(self, module: str, times: int) -> tuple[float, int]:
        """Return the median seconds that the import takes, and how many modules it brings."""
        runs = [self.run(IMPORT, module).split() for _ in range(times)]
        return median(float(seconds) for seconds, _ in runs), int(runs[0][1])


def measure(progress: Progress, names: Sequence[str] = (), times: int = TIMES) -> list[Row]:
    """Measure all functions, or those of `names`."""
    from infra.constructs.layers import REQUIREMENTS, Platform, lay  # starts the CDK, which takes seconds

    names = names or sorted(each.stem for each in (PROJECT / "functions").glob("[a-z]*.py"))
    layers = [lay(REQUIREMENTS, Platform.of_this_machine()), PROJECT / "layers" / "offpeak"]
    rows = []
    with tempfile.TemporaryDirectory(prefix="offpeak-bench-") as folder:
        runtime, bare, compiled = (Path(folder) / each for each in ("runtime", "bare", "compiled"))
        _link_runtime(runtime)
        for tree in (bare, compiled):
            _lay_out(tree, layers)
        compileall.compile_dir(compiled, quiet=2)
        sights = [Sight((tree / "functions", tree / "python", runtime)) for tree in (compiled, bare)]
        for place, name in enumerate(names):
            progress(f"import of {name} ({place + 1} of {len(names)})")
            (import_s, modules), (bare_s, _) = (sight.import_s(name, times) for sight in sights)
            size = len(zipped([PROJECT / "functions" / f"{name}.py"], PROJECT / "functions"))
            rows.append(
                Row(
                    NAME,
                    f"import of {name}, {size / 1024:.1f} KB zipped",
                    ms(import_s),
                    f"{ms(bare_s)} without byte code",
                    f"{import_s / bare_s:.2f}",
                    f"{modules} modules",
                )
            )
        import_s, modules = sights[0].import_s("boto3", times)
        rows.append(Row(NAME, "boto3, the runtime's own, on first use", ms(import_s), goal=f"{modules} modules"))
    return [*rows, *layer_rows(progress), heavy_row()]


def layer_rows(progress: Progress) -> list[Row]:
    """Return the sizes of the layers as they are deployed to AWS."""
    from infra.constructs.layers import REQUIREMENTS, Platform, lay

    progress("the layers for Lambda's own platform")
    rows = []
    whole = 0
    for name, root in (
        ("dependencies", lay(REQUIREMENTS, Platform.of_lambda())),
        ("offpeak", PROJECT / "layers" / "offpeak"),
    ):
        files = [each for each in root.rglob("*") if each.is_file() and "__pycache__" not in each.parts]
        unzipped = sum(each.stat().st_size for each in files)
        whole += unzipped
        zip_mb = len(zipped(files, root)) / 2**20
        rows.append(Row(NAME, f"layer {name}", f"{unzipped / 2**20:.1f} MB", f"{zip_mb:.1f} MB zipped"))
    is_small = whole < LARGEST_MB * 2**20
    largest = f"< {LARGEST_MB} MB"
    return [*rows, Row(NAME, "each function with its layers", f"{whole / 2**20:.1f} MB", "", "", largest, is_small)]


def heavy_row() -> Row:
    """Say whether the session path imports numpy or heavier, though all of that is installed here."""
    sight = Sight((PROJECT / "functions", PROJECT / "layers" / "offpeak" / "python", PROJECT))
    imported = json.loads(sight.run(IMPORT_ALL, *SESSION_PATH, isolated=False))
    found = [each for each in HEAVY if each in imported]
    what = f"of {', '.join(HEAVY)} on the session path"
    return Row(NAME, what, ", ".join(found) or "none", goal="none", holds=not found)


def _lay_out(tree: Path, layers: Sequence[Path]) -> None:
    """Copy functions and layers as their packages hold them: sources, no byte code."""
    sources_only = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "functions", tree / "functions", ignore=sources_only)
    for layer in layers:
        shutil.copytree(layer / "python", tree / "python", ignore=sources_only, dirs_exist_ok=True)


def _link_runtime(runtime: Path) -> None:
    """Show the packages that AWS's Python brings, and no others of those installed here."""
    runtime.mkdir()
    for package in RUNTIME_PACKAGES:
        (runtime / package).symlink_to(Path(sysconfig.get_path("purelib")) / package)


def zipped(files: Sequence[Path], root: Path) -> bytes:
    """Return a zip of files as Lambda is given one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            archive.write(path, path.relative_to(root))
    return packed.getvalue()
