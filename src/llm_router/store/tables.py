"""The tables as they are now. `migrations/` says how a database gets here; a test holds the two together.

Times are integer milliseconds since 1970, money is integer nano-dollars, durations are seconds.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

OWNER_ID = "owner"
"""The one user of this version. Every query is scoped by it already, so that more are a matter of more rows."""

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("title", Text, nullable=False),
    Column("model", Text),
    Column("system_prompt", Text),
    Column("device_id", Text),
    # No foreign key: the leaf is younger than the conversation, and both are written in one transaction.
    Column("active_leaf_id", Text),
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer, nullable=False),
)
Index(None, conversations.c.user_id, conversations.c.updated_at, conversations.c.id)
Index(None, conversations.c.user_id, conversations.c.device_id, conversations.c.updated_at, conversations.c.id)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    # Checked at the commit, so that a whole tree is written in any order.
    Column("parent_id", Text, ForeignKey("messages.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED")),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    # JSON; only where the text alone does not say everything.
    Column("parts", Text),
    Column("model", Text),
    Column("provider", Text),
    Column("connection", Text),
    Column("response_model", Text),
    Column("temperature", Float),
    Column("reasoning", Text),
    Column("max_tokens", Integer),
    Column("status", Text, nullable=False),
    Column("device_id", Text),
    Column("tokens_input", Integer),
    Column("tokens_output", Integer),
    Column("tokens_cache_read", Integer),
    Column("tokens_cache_write", Integer),
    Column("tokens_reasoning", Integer),
    Column("cost", Integer),
    Column("cost_status", Text),
    Column("finish_reason", Text),
    Column("error", Text),
    # JSON, see services/event_log.py: how the text was cut into events, and the number of the last one.
    Column("event_log", Text),
    Column("last_event_id", Integer),
    Column("time_to_first_chunk", Float),
    Column("duration", Float),
    Column("created_at", Integer, nullable=False),
    Column("reasoning_duration", Float),
    CheckConstraint("role IN ('user', 'assistant')", name="role"),
    CheckConstraint("status IN ('pending', 'streaming', 'complete', 'stopped', 'interrupted', 'error')", name="status"),
)
Index(None, messages.c.conversation_id, messages.c.id)
Index(None, messages.c.parent_id)
# What start-up looks for, and what marks a conversation as live: a handful of rows among very many.
UNFINISHED = text("messages.status IN ('pending', 'streaming')")
"""Written out: SQLite takes an index of some rows only where it can read in the query that they are these."""
Index("ix_messages_unfinished", messages.c.id, sqlite_where=text("status IN ('pending', 'streaming')"))

message_chunks = Table(
    "message_chunks",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("message_id", "seq"),
    sqlite_with_rowid=False,
)

usage_logs = Table(
    "usage_logs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # The money stays when the words go.
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="SET NULL")),
    Column("message_id", Text, ForeignKey("messages.id", ondelete="SET NULL")),
    Column("device_id", Text),
    Column("source", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("response_model", Text),
    Column("operation_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("error_type", Text),
    Column("tokens_input", Integer),
    Column("tokens_output", Integer),
    Column("tokens_cache_read", Integer),
    Column("tokens_cache_write", Integer),
    Column("tokens_reasoning", Integer),
    Column("cost", Integer),
    Column("cost_status", Text, nullable=False),
    Column("price_version", Text),
    Column("raw_usage", Text),
    Column("time_to_first_chunk", Float),
    Column("duration", Float),
    Column("timestamp", Integer, nullable=False),
    Column("tokens_cache_write_1h", Integer),
    Column("tokens_input_audio", Integer),
    Column("tokens_output_audio", Integer),
    Column("tokens_input_image", Integer),
    Column("tokens_output_image", Integer),
    Column("web_searches", Integer),
    Column("service_tier", Text),
    # How raw_usage is to be read, see domain/usage.py.
    Column("dialect", Text),
    # 1 where the owner let it pass a budget that was spent.
    Column("budget_override", Integer),
    CheckConstraint("source IN ('web', 'gateway', 'cli')", name="source"),
    CheckConstraint("cost_status IN ('exact', 'bounded', 'estimated', 'unpriced')", name="cost_status"),
)
Index(None, usage_logs.c.user_id, usage_logs.c.timestamp, usage_logs.c.id)
Index(None, usage_logs.c.conversation_id)
Index(None, usage_logs.c.message_id)

# What the ledger adds up to, by the hour (UTC) and by the day and month of a time zone: so that a million rows are
# asked about as quickly as a thousand. Written in the transaction that writes the rows, never alone.
#
# usage_rollups tells apart all that can be asked for together; it is also the index by which calls are found.
usage_rollups = Table(
    "usage_rollups",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("level", Text, nullable=False),
    # The first millisecond of the hour, day or month.
    Column("start", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("connection", Text, nullable=False),
    # Empty where a call came from no device.
    Column("device_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("cost_status", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("tokens_input", Integer, nullable=False),
    Column("tokens_output", Integer, nullable=False),
    Column("tokens_cache_read", Integer, nullable=False),
    Column("tokens_cache_write", Integer, nullable=False),
    Column("tokens_reasoning", Integer, nullable=False),
    Column("web_searches", Integer, nullable=False),
    # Of the rows whose cost is known; how many are not, cost_status says.
    Column("cost", Integer, nullable=False),
    PrimaryKeyConstraint(
        "user_id",
        "level",
        "start",
        "model",
        "provider",
        "connection",
        "device_id",
        "source",
        "status",
        "cost_status",
    ),
    CheckConstraint("level IN ('hour', 'day', 'month')", name="level"),
    sqlite_with_rowid=False,
)

# Days and months once more, by one thing at a time, which is what sums and curves are asked for: some hundred rows a
# month, however many combinations there are.
usage_facets = Table(
    "usage_facets",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("level", Text, nullable=False),
    # By what: the key is a model, a source, a status or a cost_status.
    Column("facet", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("key", Text, nullable=False),
    # Of a model; else empty.
    Column("provider", Text, nullable=False),
    Column("connection", Text, nullable=False),
    # Empty where a call came from no device.
    Column("device_id", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("exact", Integer, nullable=False),
    Column("bounded", Integer, nullable=False),
    Column("estimated", Integer, nullable=False),
    Column("unpriced", Integer, nullable=False),
    Column("tokens_input", Integer, nullable=False),
    Column("tokens_output", Integer, nullable=False),
    Column("tokens_cache_read", Integer, nullable=False),
    Column("tokens_cache_write", Integer, nullable=False),
    Column("tokens_reasoning", Integer, nullable=False),
    Column("web_searches", Integer, nullable=False),
    # Of the rows whose cost is known.
    Column("cost", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "level", "facet", "start", "key", "provider", "connection", "device_id"),
    CheckConstraint("level IN ('day', 'month')", name="level"),
    CheckConstraint("facet IN ('model', 'source', 'status', 'cost_status')", name="facet"),
    sqlite_with_rowid=False,
)

# One row: the time zone whose days and months the rollups count, the server's own when it last started.
usage_calendar = Table(
    "usage_calendar",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time_zone", Text, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

devices = Table(
    "devices",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("id", Text, nullable=False),
    # What the owner calls it, else what its browser says it is.
    Column("name", Text, nullable=False),
    # 1 where the owner chose the name.
    Column("is_named", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_seen_at", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "id"),
    sqlite_with_rowid=False,
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("period", Text, nullable=False),
    Column("scope", Text, nullable=False),
    # A device's id or a catalog id; null means each device, or each model, for itself.
    Column("subject", Text),
    # Nano-dollars in each period.
    Column("amount", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    CheckConstraint("period IN ('day', 'month')", name="period"),
    CheckConstraint("scope IN ('overall', 'device', 'model')", name="scope"),
)
Index(None, budgets.c.user_id)

# One row for each answer that is being made: on whose behalf, and the most it may cost. Written with the pending
# answer, deleted with its bill; what is left after a crash says what was being paid for.
reservations = Table(
    "reservations",
    metadata,
    # No foreign key: the words may be deleted while the bill is still to come. Once it has come but for the provider's
    # last word, the id of the call.
    Column("message_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("device_id", Text),
    Column("source", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("operation_name", Text, nullable=False),
    # Null where no price is known.
    Column("amount", Integer),
    Column("budget_override", Integer),
    Column("created_at", Integer, nullable=False),
)
Index(None, reservations.c.user_id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    # Null where the answer was deleted since: the key still says that it was asked, and paid.
    Column("message_id", Text, ForeignKey("messages.id", ondelete="SET NULL")),
    Column("created_at", Integer, nullable=False),
    PrimaryKeyConstraint("user_id", "key"),
    sqlite_with_rowid=False,
)
Index(None, idempotency_keys.c.message_id)

images = Table(
    "images",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Text, ForeignKey("messages.id", ondelete="SET NULL")),
    # Relative to the image folder beside the database; the bytes themselves would make the database slow.
    Column("file_name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
)
Index(None, images.c.user_id, images.c.id)
Index(None, images.c.message_id)
