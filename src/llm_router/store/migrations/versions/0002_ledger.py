"""What was spent, by hour, day and month; devices with names; budgets and what they hold back.

The rollups are left empty: start-up counts them, as whenever the server's time zone is another (`store/schema.py`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("reasoning_duration", sa.Float(), nullable=True))
    for name in (
        "tokens_cache_write_1h",
        "tokens_input_audio",
        "tokens_output_audio",
        "tokens_input_image",
        "tokens_output_image",
        "web_searches",
    ):
        op.add_column("usage_logs", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("usage_logs", sa.Column("service_tier", sa.Text(), nullable=True))
    op.add_column("usage_logs", sa.Column("dialect", sa.Text(), nullable=True))
    op.add_column("usage_logs", sa.Column("budget_override", sa.Integer(), nullable=True))
    op.drop_index(op.f("ix_usage_logs_user_id_timestamp"), "usage_logs")
    op.create_index(
        op.f("ix_usage_logs_user_id_timestamp_id"), "usage_logs", ["user_id", "timestamp", "id"], unique=False
    )
    op.create_table(
        "usage_rollups",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cost_status", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("tokens_input", sa.Integer(), nullable=False),
        sa.Column("tokens_output", sa.Integer(), nullable=False),
        sa.Column("tokens_cache_read", sa.Integer(), nullable=False),
        sa.Column("tokens_cache_write", sa.Integer(), nullable=False),
        sa.Column("tokens_reasoning", sa.Integer(), nullable=False),
        sa.Column("web_searches", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.CheckConstraint("level IN ('hour', 'day', 'month')", name=op.f("ck_usage_rollups_level")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_rollups_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
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
            name=op.f("pk_usage_rollups"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_facets",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("exact", sa.Integer(), nullable=False),
        sa.Column("bounded", sa.Integer(), nullable=False),
        sa.Column("estimated", sa.Integer(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("tokens_input", sa.Integer(), nullable=False),
        sa.Column("tokens_output", sa.Integer(), nullable=False),
        sa.Column("tokens_cache_read", sa.Integer(), nullable=False),
        sa.Column("tokens_cache_write", sa.Integer(), nullable=False),
        sa.Column("tokens_reasoning", sa.Integer(), nullable=False),
        sa.Column("web_searches", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.CheckConstraint("facet IN ('model', 'source', 'status', 'cost_status')", name=op.f("ck_usage_facets_facet")),
        sa.CheckConstraint("level IN ('day', 'month')", name=op.f("ck_usage_facets_level")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_facets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(
            "user_id",
            "level",
            "facet",
            "start",
            "key",
            "provider",
            "connection",
            "device_id",
            name=op.f("pk_usage_facets"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_usage_calendar_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_calendar")),
    )
    op.create_table(
        "devices",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_named", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_seen_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_devices_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_devices")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "budgets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.CheckConstraint("period IN ('day', 'month')", name=op.f("ck_budgets_period")),
        sa.CheckConstraint("scope IN ('overall', 'device', 'model')", name=op.f("ck_budgets_scope")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_budgets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
    )
    op.create_index(op.f("ix_budgets_user_id"), "budgets", ["user_id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("operation_name", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("budget_override", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reservations_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_reservations")),
    )
    op.create_index(op.f("ix_reservations_user_id"), "reservations", ["user_id"], unique=False)

    # A key outlives the answer it stands for. SQLite changes a foreign key only with the whole table.
    op.rename_table("idempotency_keys", "old_idempotency_keys")
    op.drop_index(op.f("ix_idempotency_keys_message_id"), "old_idempotency_keys")
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_idempotency_keys_message_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO idempotency_keys (user_id, key, body_hash, message_id, created_at) "
        "SELECT user_id, key, body_hash, message_id, created_at FROM old_idempotency_keys"
    )
    op.drop_table("old_idempotency_keys")
    op.create_index(op.f("ix_idempotency_keys_message_id"), "idempotency_keys", ["message_id"], unique=False)

    # Every device that ever asked for something. What browser it is, it says when it asks again.
    op.execute(
        """
        INSERT INTO devices (user_id, id, name, is_named, created_at, last_seen_at)
        SELECT user_id, device_id, 'Device ' || substr(device_id, 1, 8), 0, min(seen_at), max(seen_at)
        FROM (
            SELECT user_id, device_id, timestamp AS seen_at FROM usage_logs
            UNION ALL SELECT user_id, device_id, created_at FROM messages
            UNION ALL SELECT user_id, device_id, created_at FROM conversations
        )
        WHERE device_id IS NOT NULL
        GROUP BY user_id, device_id
        """
    )
