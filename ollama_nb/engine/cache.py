"""The KV cache of a model: what ``slots.py`` decides is done here to llama.cpp's memory."""

from collections.abc import Iterable

from .native import Context
from .sequence import SequenceRequest
from .slots import Slot, SlotTable
from .spec import LoadSpec


class Cache:
    """The slots of one context. Belongs to the runner's thread."""

    def __init__(self, context: Context, spec: LoadSpec) -> None:
        """Take an empty cache."""
        self._context = context
        self._spec = spec
        self._slots = SlotTable(spec.num_sequences, isolated=spec.isolated)

    def has_idle(self) -> bool:
        """Whether a sequence could be placed."""
        return self._slots.has_idle()

    def place(self, request: SequenceRequest) -> Slot | None:
        """Give a prompt a slot, with what is already cached of it. None: it had better wait."""
        tokens = list(request.tokens)
        placement = self._slots.place(tokens, request.owner, fresh=request.options.repeatable)
        if placement is None:
            return None
        source, copied = placement.source, placement.source is not placement.slot
        if copied and placement.num_reused:
            self._context.copy(source.number, placement.slot.number)
        held = self._context.cut(placement.slot.number, placement.num_reused)
        slot = self._slots.take(placement._replace(num_reused=held), tokens, request.owner)
        if copied and self._spec.unified:
            slot.num_shared = held
            source.num_shared = max(source.num_shared, held)
        return slot

    def make_room(self, slot: Slot, request: SequenceRequest, window: int) -> bool:
        """Drop half of what follows the kept tokens, if the request and the model allow it."""
        if not (request.shift and self._context.can_shift):
            return False
        keep = min(request.num_keep, window - 2)
        discard = max((slot.num_cached - keep) // 2, 1)
        if slot.num_shared > keep + discard:
            # These would move for the others too: in a common cache a cell has one position.
            self._context.cut(slot.number, keep)
            slot.rewind(keep, discard)
        else:
            self._context.shift(slot.number, keep, discard)
            slot.slide(keep, discard)
        return True

    def resynchronise(self, slots: Iterable[Slot]) -> None:
        """After an abort: go on from what the cache really holds."""
        self._context.resume()
        for slot in slots:
            slot.num_cached = max(slot.num_cached, self._context.length(slot.number))

    def retreat(self, slot: Slot) -> None:
        """After an image that was not finished: part of it may be in the cache."""
        self._context.resume()
        slot.num_cached = self._context.cut(slot.number, slot.num_cached)

    def leave(self, slot: Slot) -> None:
        """Take a slot back; what it holds stays for whoever begins alike."""
        self._slots.leave(slot)

    def clear(self) -> None:
        """Forget everything."""
        self._slots = SlotTable(self._spec.num_sequences, isolated=self._spec.isolated)
        for number in range(self._spec.num_sequences):
            self._context.cut(number, 0)
