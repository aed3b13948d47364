"""What billing knows about people, column by column. The law asks for books: amounts stay, names and addresses go."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.privacy.registry import Manifest
from accounts.privacy.vocabulary import Column, Erase, Ground, Keep, Kind, Table, columns, ours
from accounts.privacy_manifest import erased_address
from billing.services import leaving, old_rows

_ADDRESS = Column(Kind.CONTACT, export="email", erase=Erase.REPLACE, becomes=erased_address)

_INSTRUMENTS = (
    Table(
        "billing.AutoTopUp",
        _("Automatic top-up"),
        columns(Kind.IDENTIFIER, "id user card attempt")
        | columns(Kind.TECHNICAL, "next_try_at updated_at")
        | columns(
            Kind.MONEY,
            "is_on threshold charge_currency amount_subunits monthly_cap_subunits stop_reason",
            export=True,
        ),
        keep=Keep.ACCOUNT,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="automatic_top_up",
    ),
    Table(
        "billing.SavedCard",
        _("Saved cards: brand and last four digits, never the number"),
        columns(Kind.IDENTIFIER, "id user customer_code")
        | columns(Kind.SECURITY, "fingerprint sealed_code declines deactivate_due_at")
        | columns(Kind.CONTACT, "email", export=True)
        | columns(
            Kind.MONEY,
            "brand last4 exp_month exp_year bank country_code consented_at declined_at removed_at created_at",
            export=True,
        ),
        keep=Keep.ACCOUNT,
        ground=Ground.CONSENT,
        owners=("user_id",),
        goes=True,
        export="cards",
    ),
    Table(
        "billing.DedicatedAccount",
        _("Your own bank account number for top-ups"),
        columns(Kind.IDENTIFIER, "id user customer_code paystack_id")
        | columns(Kind.TECHNICAL, "bank_slug failure requeried_at next_look_at")
        | columns(Kind.CONTACT, "email account_name", export=True)
        | columns(Kind.MONEY, "account_number bank_name is_active created_at", export=True),
        keep=Keep.ACCOUNT,
        ground=Ground.CONTRACT,
        owners=("user_id",),
        goes=True,
        export="bank_account",
    ),
)

_PAYMENTS = (
    Table(
        "billing.Receipt",
        _("Receipts"),
        columns(Kind.IDENTIFIER, "id user")
        | columns(Kind.MONEY, "refund seller")
        | columns(Kind.MONEY, "number kind issued_at", export=True)
        | {"deposit": Column(Kind.MONEY, export="deposit", reads="deposit__reference")},
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="receipts",
    ),
    Table(
        "billing.Dispute",
        _("Disputes with your bank"),
        columns(Kind.IDENTIFIER, "id user paystack_id deposit evidence_id answered_by hold")
        | columns(Kind.TECHNICAL, "next_look_at")
        | columns(
            Kind.MONEY,
            "transaction_reference status outcome resolution category currency amount_subunits wallet_amount shortfall due_at"
            " answered_at opened_at closed_at",
            export=True,
        )
        | columns(Kind.CONTENT, "evidence answer", erase=Erase.BLANK),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="disputes",
    ),
    Table(
        "billing.Refund",
        _("Refunds"),
        columns(Kind.IDENTIFIER, "id user hold asked_by decided_by token")
        | columns(Kind.TECHNICAL, "form_key next_look_at looks details_sent_at details_tries")
        | columns(
            Kind.MONEY,
            "status charge_currency amount_subunits wallet_amount paystack_id created_at sent_at closed_at",
            export=True,
        )
        | {"deposit": Column(Kind.MONEY, export="deposit", reads="deposit__reference")}
        | columns(Kind.CONTENT, "reason", export=True, erase=Erase.BLANK)
        | columns(Kind.CONTENT, "note", erase=Erase.BLANK),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="refunds",
    ),
    Table(
        "billing.Deposit",
        _("Top-ups: amount, card or sender, time"),
        columns(Kind.IDENTIFIER, "id user retry_of reviewed_by")
        | columns(
            Kind.TECHNICAL,
            "form_key next_look_at looks looking_until wants_card_saved review_reason reviewed_at review_note",
        )
        | columns(Kind.TECHNICAL, "access_code authorization_url", erase=Erase.BLANK)
        | columns(Kind.SECURITY, "card_fingerprint", erase=Erase.BLANK)
        | columns(
            Kind.MONEY,
            "reference purpose status charge_currency amount_subunits wallet_currency rate rate_as_of credit_amount paystack_id"
            " paid_currency paid_subunits requested_subunits fees_subunits channel paid_at credited_at refunded_subunits"
            " created_at closed_at",
            export=True,
        )
        | columns(Kind.MONEY, "gateway_response card_label", export=True, erase=Erase.BLANK)
        | columns(Kind.CONTACT, "payer", export=True, erase=Erase.BLANK)
        | {"email": _ADDRESS},
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="deposits",
    ),
    # Found by what they say, not by a column: see `old_rows.empty_webhooks`.
    Table(
        "billing.WebhookEvent",
        _("Messages from our payment provider about your payments"),
        columns(Kind.CONTENT, "body")
        | columns(
            Kind.TECHNICAL,
            "id body_sha256 event semantic_key state source_address is_known_address deliveries tries next_try_at note"
            " received_at done_at",
        ),
        keep=Keep.LOGS,
    ),
)

_LEDGER = (
    Table(
        "billing.Transfer",
        _("Movements of your wallet"),
        columns(Kind.IDENTIFIER, "sequence debit_account credit_account key pending actor")
        | columns(Kind.MONEY, "reason expires_at")
        | columns(
            Kind.MONEY,
            "id amount kind code reference memo created_at balance_after available_after",
            export=True,
        ),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("debit_account__user_id", "credit_account__user_id"),
        export="wallet_movements",
    ),
    Table(
        "billing.Account",
        _("Your wallet"),
        columns(Kind.IDENTIFIER, "id kind code user credits_pending")
        | columns(Kind.MONEY, "currency debits_pending debits_posted credits_posted created_at", export=True),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
        owners=("user_id",),
        export="wallet",
    ),
)

_OURS = (
    ours(
        "billing.ExchangeRate",
        _("Exchange rates"),
        "id charge_currency wallet_currency rate source as_of note created_by created_at",
    ),
    ours("billing.ReceiptCounter", _("Numbers of receipts"), "year last"),
    ours(
        "billing.Settlement",
        _("Payouts to our bank"),
        "id paystack_id status currency total_subunits fees_subunits processed_subunits deductions_subunits settled_on is_posted"
        " created_at",
    ),
    ours(
        "billing.ReconciledDay",
        _("Compared days"),
        "id day currency figures open_differences ran_at closed_at closed_by reason",
    ),
    ours(
        "billing.Difference",
        _("Differences found"),
        "id day kind subject text amount_subunits found_at gone_at explained_by explanation",
    ),
    # Decisions of staff about money, which the books need with their reasons.
    Table(
        "billing.Approval",
        _("Decisions of staff about money"),
        columns(
            Kind.MONEY,
            "id kind subject amount reason asked_by asked_at decided_by decided_at is_approved outcome",
        ),
        keep=Keep.BOOKS,
        ground=Ground.LAW,
    ),
)

MANIFEST = Manifest(
    "billing",
    (*_INSTRUMENTS, *_PAYMENTS, *_LEDGER, *_OURS),
    obstacles=leaving.obstacles,
    prepare=leaving.prepare,
    settle=leaving.give_up_balance,
    scrub=old_rows.empty_webhooks,
    retain=old_rows.remove,
)
