"""Puts a run's messages into an MCAP stream: declares each topic when it first comes, stamps with the wall clock."""

from __future__ import annotations

from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap.writer import Writer
from mcap_protobuf.schema import register_schema

from libra_edge.runtime.recording_messages import Entry, JsonForm


class EntryWriter:
    """One stream; used by one thread."""

    def __init__(self, writer: Writer, wall_offset_ns: int) -> None:
        """`wall_offset_ns`: from the one clock's nanoseconds to the wall clock's."""
        self._writer = writer
        self._wall_offset_ns = wall_offset_ns
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}

    def write(self, entry: Entry) -> None:
        """Encode and append one message. Raises OSError."""
        wall_ns = entry.time_ns + self._wall_offset_ns
        channel = self._channel(entry)
        data = entry.encode(wall_ns)
        self._writer.add_message(channel, wall_ns, data, publish_time=wall_ns, sequence=entry.sequence)

    def _channel(self, entry: Entry) -> int:
        if entry.topic not in self._channels:
            encoding = MessageEncoding.JSON if isinstance(entry.form, JsonForm) else MessageEncoding.Protobuf
            self._channels[entry.topic] = self._writer.register_channel(entry.topic, encoding, self._schema(entry))
        return self._channels[entry.topic]

    def _schema(self, entry: Entry) -> int:
        form = entry.form
        name = form.name if isinstance(form, JsonForm) else form.DESCRIPTOR.full_name
        if name not in self._schemas:
            self._schemas[name] = (
                self._writer.register_schema(name, SchemaEncoding.JSONSchema, form.schema)
                if isinstance(form, JsonForm)
                else register_schema(self._writer, form)
            )
        return self._schemas[name]
