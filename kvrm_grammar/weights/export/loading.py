"""Base model and adapter as one compiled graph, ready to decode without torch.

In: an adapter folder and, where it should differ from the recorded one, a base model. Out: an
immutable :class:`ExportedModel`. The graph is built once and kept (:mod:`.store`); the embedding
and the output matrix are mapped from the base's own file, so several adapters share them.
"""

import contextlib
import gc
import hashlib
import io
import logging
import mmap
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.errors import BaseModelError, ModelError
from kvrm_grammar.weights.adapter import Adapter, read_adapter
from kvrm_grammar.weights.base import named_base, resolve_base
from kvrm_grammar.weights.checksums import CONFIG, WEIGHTS
from kvrm_grammar.weights.export.architecture import Architecture, read_architecture
from kvrm_grammar.weights.export.folding import FoldedWeights, fold, open_base
from kvrm_grammar.weights.export.forking import kept_in_forks
from kvrm_grammar.weights.export.precision import (
    compile_options,
    default_precision,
    named_precision,
)
from kvrm_grammar.weights.export.store import GRAPH, discard, stored_graph
from kvrm_grammar.weights.export.tensors import TensorFile, to_float32
from kvrm_grammar.weights.fetch import sha256
from kvrm_grammar.weights.manifest import Manifest
from kvrm_grammar.weights.tokenizer import PlainTokenizer, read_tokenizer
from kvrm_grammar.weights.verified import fingerprint, raise_if_passing

__all__ = ["ExportedModel", "GraphFile", "Table", "load_exported"]

_LOGGER = logging.getLogger(__name__)
_FORMAT = "kvrm-graph-2"
_EMBEDDING, _HEAD = "model.embed_tokens.weight", "lm_head.weight"


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a large matrix, mapped from its file and widened when asked for. Immutable.

    Attributes:
        stored: As in the file, shape (rows, width).
        is_bfloat16: Whether the stored 16-bit integers are bfloat16.
        bias: One for each row; None where there is none.
    """

    stored: npt.NDArray[Any]
    is_bfloat16: bool
    bias: npt.NDArray[np.float32] | None = None

    def rows(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Some rows: (…, width) for numbers of shape (…)."""
        return to_float32(self.stored[numbers], self.is_bfloat16)


@dataclass(frozen=True, eq=False)
class GraphFile:
    """A compiled graph's file, mapped. Must live as long as the graph.

    Attributes:
        mapped: The file; private to this process, and never written to.
        tensor: The same bytes as an ``openvino.Tensor``.
    """

    mapped: mmap.mmap
    tensor: Any

    def drop_pages(self) -> None:
        """Give the file's pages back: the first run packs every matrix into memory of its own.

        Nothing is lost: they are read from the file again where a run touches them.
        """
        if hasattr(mmap, "MADV_DONTNEED"):  # Windows has none
            self.mapped.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A compiled graph and what is needed beside it. Immutable; threads may share it.

    Attributes:
        graph: An ``openvino.CompiledModel`` (see :mod:`.graph` for its inputs).
        embedding: Rows of the input embedding.
        head: Rows of the output matrix; the same table where the two are tied.
        tokenizer: The base's tokenizer.
        base_name: Public name or folder of the base.
        base_id: What identifies the base's content.
        adapter_path: Where the adapter came from; None for the bare base.
        precision: One of :data:`~kvrm_grammar.weights.export.precision.PRECISIONS`.
        device: Always ``cpu``.
        manifest: What the adapter says it was trained for; None where it says nothing.
        file: What the graph's weights are mapped from; None where they are in memory.
    """

    graph: Any
    embedding: Table
    head: Table
    tokenizer: PlainTokenizer
    base_name: str
    base_id: str
    adapter_path: Path | None
    precision: str
    device: str = "cpu"
    manifest: Manifest | None = None
    file: GraphFile | None = field(default=None, repr=False)

    def active(self) -> AbstractContextManager[None]:
        """Nothing to hold: a graph has one adapter."""
        return nullcontext()


def load_exported(
    adapter: str | Path | None,
    *,
    base: str | Path | None = None,
    precision: str | None = None,
    progress: bool = False,
) -> ExportedModel:
    """Load a base model and an adapter as one graph, building it where it is not kept yet.

    Args:
        adapter: A local adapter folder; None for the bare base.
        base: A folder or hub name; None for the base that the adapter records, or for the
            packaged base where there is no adapter.
        precision: One of :data:`~kvrm_grammar.weights.export.precision.PRECISIONS`; None for what
            is fast on this processor.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        The model.

    Raises:
        AdapterError: The adapter is missing, damaged, or of another base.
        BaseModelError: The base is missing, damaged, or cannot be fetched.
        ExportError: No graph is built for this base or adapter; torch may still run them.
        ModelError: There is no such precision here, or OpenVINO cannot compile the graph.
    """
    import openvino

    core = openvino.Core()
    chosen = default_precision(core) if precision is None else named_precision(core, precision)
    found = None if adapter is None else read_adapter(adapter)
    wanted = named_base(found, base)
    folder, base_id = resolve_base(wanted, progress=progress)
    name = str(wanted)
    if (folder / CONFIG).exists():
        raise BaseModelError(f"{folder} is an adapter, not a base model")
    architecture = read_architecture(folder)
    tokenizer = read_tokenizer(folder, name)
    tensors = open_base(folder, name)
    weights = fold(tensors, name, found)
    embedding = _table(tensors, _EMBEDDING, architecture, name)
    head = embedding
    if not architecture.tied:
        head = _table(tensors, _HEAD, architecture, name)
    if len(tokenizer) > architecture.vocabulary:
        raise BaseModelError(f"the tokenizer of {name} has more tokens than the model")
    key = _key(core, chosen, folder, base_id, found)
    write = partial(_written, chosen == "int8", architecture, weights, name)
    graph, file = _graph(core, chosen, key, write)
    path, manifest = (None, None) if found is None else (found.folder, found.manifest)
    return ExportedModel(
        graph,
        embedding,
        head,
        tokenizer,
        name,
        base_id,
        path,
        chosen,
        manifest=manifest,
        file=file,
    )


def _table(tensors: TensorFile, name: str, shape: Architecture, base_name: str) -> Table:
    try:
        stored, is_bfloat16 = tensors.stored(name)
    except KeyError:
        raise BaseModelError(f"base model {base_name} lacks the tensor {name}") from None
    if stored.shape != (shape.vocabulary, shape.hidden):
        raise BaseModelError(f"base model {base_name} has {name} of shape {stored.shape}")
    bias_name = name.replace("weight", "bias")
    bias = tensors.float32(bias_name) if bias_name in tensors else None
    return Table(stored, is_bfloat16, bias)


def _key(core: Any, precision: str, folder: Path, base_id: str, adapter: Adapter | None) -> str:
    """Everything that a compiled graph depends on, in words."""
    if base_id.startswith("folder:"):  # a path says nothing of what is in it
        seen = [
            (name, own)
            for name, own in fingerprint(folder).items()
            if name.endswith((".safetensors", ".json"))
        ]
        base_id = hashlib.sha256(f"{base_id} {seen}".encode()).hexdigest()
    parts = [_FORMAT, version("openvino"), precision, base_id]
    if adapter is not None:
        parts += [sha256(adapter.folder / name) for name in (CONFIG, WEIGHTS)]
    abilities = ",".join(sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")))
    return " ".join([*parts, str(core.get_property("CPU", "FULL_DEVICE_NAME")), abilities])


def _graph(core: Any, precision: str, key: str, write: Callable[[], Any]) -> tuple[Any, Any]:
    """The compiled graph, and the file that it is mapped from; written where none is kept."""
    options = compile_options(core, precision)
    compiled: list[Any] = []

    def build(path: Path) -> None:
        compiled.append(_compiled(core, write(), options, None if precision == "float32" else path))
        stream = io.BytesIO()
        compiled[0].export_model(stream)
        path.write_bytes(stream.getbuffer())

    for _ in range(2):
        path = stored_graph(key, build)
        if path is None:
            break
        # Mapped from the file, a graph takes half the memory of one that was just compiled.
        compiled.clear()
        gc.collect()
        try:
            return _imported(core, path, options)
        except (RuntimeError, OSError, ValueError) as error:
            raise_if_passing(error, path)
            _LOGGER.info("%s: %s", path, error)
            discard(path)
    if not compiled:
        compiled.append(_not_kept(core, precision, write, options))
    return compiled[0], None


def _not_kept(core: Any, precision: str, write: Callable[[], Any], options: dict[str, Any]) -> Any:
    """A graph that no cache can hold, from weights that are rounded as a kept one's are."""
    if precision != "float32":
        try:
            with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                return _compiled(core, write(), options, Path(folder, GRAPH))
        except OSError as error:
            _LOGGER.warning("the graph is compiled from float32 weights (%s)", error)
    return _compiled(core, write(), options)


def _imported(core: Any, path: Path, options: dict[str, Any]) -> tuple[Any, GraphFile]:
    from openvino import Tensor

    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    tensor = Tensor(np.frombuffer(mapped, np.uint8), shared_memory=True)
    file = kept_in_forks(GraphFile(mapped, tensor))
    return kept_in_forks(core.import_model(tensor, "CPU", options)), file


def _written(int8: bool, architecture: Architecture, weights: FoldedWeights, name: str) -> Any:
    """The graph, with the adapter folded in."""
    from kvrm_grammar.weights.export.graph import build_graph

    try:
        return build_graph(architecture, weights, int8=int8)
    except KeyError as error:
        raise BaseModelError(f"base model {name} lacks the tensor {error}") from error
    except (RuntimeError, ValueError) as error:  # how OpenVINO says that shapes do not fit
        reason = _last_line(error)
        raise BaseModelError(
            f"base model {name} has tensors of other shapes than its configuration says ({reason})"
        ) from error


def _last_line(error: Exception) -> str:
    return (str(error).strip() or "no reason given").splitlines()[-1]


def _compiled(core: Any, model: Any, options: dict[str, Any], path: Path | None = None) -> Any:
    """Compile; beside ``path`` through a file, whose float16 weights stay float16."""
    import openvino

    try:
        if path is not None:
            file = path.with_suffix(".xml")
            try:
                openvino.save_model(model, str(file), compress_to_fp16=True)
                model = core.read_model(str(file))
            except RuntimeError as error:  # how OpenVINO reports a full disk
                raise OSError(
                    f"the graph cannot be written beside {path}, probably because the disk is "
                    f"full: {error}"
                ) from error
        try:
            return kept_in_forks(core.compile_model(model, "CPU", options))
        except RuntimeError as error:
            reason = _last_line(error)
            raise ModelError(f"OpenVINO cannot compile the model here ({reason})") from error
    finally:
        if path is not None:
            for suffix in (".xml", ".bin"):
                with contextlib.suppress(OSError):
                    path.with_suffix(suffix).unlink()
