"""Who may open what: one line for each address. What is missing here fails the walk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Who(Enum):
    """To whom an address answers."""

    ANYBODY = "anybody"
    PERSON = "whoever is signed in"
    OWNER = "the person whose it is; to others it is not there"
    STAFF = "staff with the permission"
    MACHINE = "programs that prove themselves otherwise"


@dataclass(frozen=True, slots=True)
class Page:
    """One line of the table.

    Attributes:
        permission: What the role must grant; empty where being that `who` is enough.
        query: Stands behind the address, with placeholders of the scene.
        answer: What whoever may gets, where it is not a page, a redirect or a form with an error.
        asks_who: Methods by which an open page sends whoever is not signed in to the signing in.
    """

    who: Who
    methods: tuple[str, ...]
    permission: str = ""
    query: str = ""
    answer: str = "served"
    asks_who: tuple[str, ...] = ()


def anybody(methods: str, answer: str = "served", asks_who: str = "") -> Page:
    return Page(Who.ANYBODY, tuple(methods.split()), answer=answer, asks_who=tuple(asks_who.split()))


def person(methods: str, permission: str = "", answer: str = "served") -> Page:
    return Page(Who.PERSON, tuple(methods.split()), permission, answer=answer)


def owner(methods: str, permission: str = "", query: str = "") -> Page:
    return Page(Who.OWNER, tuple(methods.split()), permission, query)


def staff(methods: str, permission: str = "", query: str = "", answer: str = "served") -> Page:
    return Page(Who.STAFF, tuple(methods.split()), permission, query, answer)


NOT_THERE = "not there"
FACTORS, SESSIONS = "accounts.manage_own_factors", "accounts.end_own_sessions"
EMAIL, PRIVACY = "accounts.change_own_email", "accounts.choose_own_privacy"
PAGES: dict[str, Page] = {
    "landing": anybody("GET"),
    "health": anybody("GET"),
    "ready": anybody("GET", answer="503"),  # neither worker nor beat runs beside the tests
    "events-stream": person("GET"),
    "security-txt": anybody("GET"),
    "change-password": anybody("GET"),
    "robots-txt": anybody("GET"),
    "legal-terms": anybody("GET"),
    "legal-privacy": anybody("GET"),
    "legal-acceptable-use": anybody("GET"),
    "legal-refunds": anybody("GET"),
    "legal-cookies": anybody("GET"),
    # --- Coming in ---
    "accounts:sign-in": anybody("GET POST"),
    "accounts:sign-up": anybody("GET POST"),
    "accounts:sign-out": anybody("POST"),
    "accounts:verify-email": anybody("GET POST", asks_who="GET HEAD POST"),
    "accounts:verify-email-resend": anybody("POST"),
    "accounts:verify-email-link": anybody("GET POST"),
    "accounts:password-reset": anybody("GET POST"),
    "accounts:password-reset-link": anybody("GET POST"),
    "accounts:email-change-link": anybody("GET POST"),
    "accounts:passkey-options": anybody("POST"),
    "accounts:passkey-verify": anybody("POST"),
    "accounts:second-step": anybody("GET POST", asks_who="GET HEAD POST"),
    "accounts:step-up": person("GET POST"),
    # --- Settings ---
    "settings:profile": person("GET"),
    "settings:security": person("GET"),
    "settings:security-log": person("GET"),
    "settings:notifications": person("GET POST", "accounts.choose_own_notices"),
    "settings:password": person("GET POST", "accounts.change_own_password"),
    "settings:email": person("GET POST", EMAIL),
    "settings:email-cancel": person("POST", EMAIL),
    "settings:email-resend": person("POST", EMAIL),
    "settings:sessions": person("GET", SESSIONS),
    "settings:session-end-others": person("POST", SESSIONS),
    "settings:session-end": owner("POST", SESSIONS),
    "settings:device-forget": owner("POST", SESSIONS),
    "settings:device-distrust": owner("POST", SESSIONS),
    "settings:authenticator": person("GET POST", FACTORS),
    "settings:recovery-codes": person("GET POST", FACTORS),
    "settings:recovery-codes-download": person("GET", FACTORS),
    "settings:message-codes": person("GET POST", FACTORS),
    "settings:passkeys": person("GET", FACTORS),
    "settings:passkey-options": person("POST", FACTORS),
    "settings:passkey-add": person("POST", FACTORS),
    "settings:passkey": owner("GET POST", FACTORS),
    "settings:passkey-remove": owner("POST", FACTORS),
    "settings:privacy": person("GET"),
    "settings:privacy-messages": person("POST", PRIVACY),
    "settings:privacy-news": person("POST", PRIVACY),
    "settings:export": person("POST", "accounts.export_own_data"),
    "settings:export-download": owner("GET", "accounts.export_own_data", "token={export_token}"),
    "settings:erasure": person("GET POST", "accounts.erase_own_account"),
    "settings:erasure-cancel": person("POST", "accounts.erase_own_account"),
    "notices:list": person("GET", "accounts.choose_own_notices"),
    "notices:read-all": person("POST", "accounts.choose_own_notices"),
    "notices:read": owner("POST", "accounts.choose_own_notices"),
    # --- Money ---
    "billing:wallet": person("GET"),
    "billing:statement-csv": person("GET", "billing.download_statement"),
    "billing:top-up": person("GET POST", "billing.top_up"),
    "billing:top-up-return": owner("GET", query="reference={reference}"),
    "billing:top-up-cancelled": owner("GET", query="reference={reference}"),
    "billing:deposit-list": person("GET"),
    "billing:deposit": owner("GET"),
    "billing:deposit-retry": owner("POST", "billing.top_up"),
    "billing:refund-list": person("GET"),
    "billing:refund-new": owner("GET POST", "billing.request_refund", "deposit={paid_id}"),
    "billing:refund": owner("GET POST"),
    "billing:cards": person("GET"),
    "billing:card-remove": owner("GET POST", "billing.forget_card"),
    "billing:auto-top-up": person("GET POST", "billing.set_autotopup"),
    "billing:bank-account": person("GET POST", "billing.open_dedicatedaccount"),
    "billing:receipt-list": person("GET"),
    "billing:receipt": owner("GET"),
    "billing:receipt-pdf": owner("GET", "billing.download_receipt"),
    "billing:statements": person("GET"),
    "billing:statement-month-pdf": owner("GET", "billing.download_statement"),
    "billing:statement-month-csv": owner("GET", "billing.download_statement"),
    "billing:paystack-webhook": Page(Who.MACHINE, ("POST",)),
    # --- Orders ---
    "verifications:service-list": anybody("GET"),
    "verifications:service-detail": anybody("GET"),
    "verifications:order-new": anybody("GET POST", asks_who="POST"),
    "verifications:history": person("GET"),
    "verifications:history-csv": person("GET", "verifications.download_orders"),
    "verifications:detail": owner("GET"),
    "verifications:cancel": owner("POST", "verifications.cancel_order"),
    "verifications:another-sms": owner("POST", "verifications.request_another_sms"),
    "verifications:finish": owner("POST", "verifications.finish_order"),
    # --- The console ---
    "mail:inbox": staff("GET", "accounts.read_outgoingemail"),
    "mail:message": staff("GET", "accounts.read_outgoingemail"),
    "mail:message-html": staff("GET", "accounts.read_outgoingemail"),
    "admin:index": staff("GET POST"),
    "admin:login": Page(Who.STAFF, ("GET", "POST")),
    "admin:logout": Page(Who.STAFF, ("POST",)),
    "admin:password_change": staff("GET POST"),
    "admin:password_change_done": staff("GET POST"),
    "admin:autocomplete": staff(
        "GET", "verifications.view_service", "app_label=verifications&model_name=pricerule&field_name=service"
    ),
    "admin:jsi18n": staff("GET"),
    "admin:view_on_site": staff("GET POST", answer=NOT_THERE),
    "admin:app_list": staff("GET POST"),
    "admin:": staff("GET POST", answer=NOT_THERE),
    "admin:accounts_factorreset_decide": staff("GET POST", "accounts.decide_factorreset"),
    "admin:accounts_user_act:end-sessions": staff("GET POST", "accounts.end_sessions"),
    "admin:accounts_user_act:role": staff("GET POST", "accounts.assign_role"),
    "admin:accounts_user_act:restore": staff("GET POST", "accounts.restore_user"),
    "admin:accounts_user_act:suspend": staff("GET POST", "accounts.suspend_user"),
    "admin:accounts_user_act:ban": staff("GET POST", "accounts.ban_user"),
    "admin:accounts_user_act:erase": staff("GET POST", "accounts.erase_user"),
    "admin:verifications_verification_cancel": staff("GET POST", "verifications.cancel_any_order"),
    "admin:verifications_provider_switch_off": staff("GET POST", "verifications.switch_provider"),
    "admin:verifications_provider_simple_history": staff("GET POST", "verifications.view_provider"),
    "admin:verifications_pricerule_simple_history": staff("GET POST", "verifications.view_pricerule"),
    "admin:billing_account_adjust": staff("GET POST", "billing.adjust_balance"),
    "admin:billing_account_statement": staff("GET POST", "billing.view_transfer"),
    "admin:billing_dispute_evidence": staff("GET POST", "billing.view_dispute"),
    "admin:billing_difference_explain": staff("GET POST", "billing.close_reconciledday"),
    "admin:billing_deposit_act:settle": staff("GET POST", "billing.check_deposit"),
    "admin:billing_deposit_act:attach": staff("GET POST", "billing.review_deposit"),
    "admin:billing_deposit_act:credit": staff("GET POST", "billing.review_deposit"),
    "admin:billing_deposit_act:send-back": staff("GET POST", "billing.review_deposit"),
    "admin:billing_deposit_act:write-off": staff("GET POST", "billing.review_deposit"),
    "admin:billing_webhookevent_act:replay": staff("GET POST", "billing.replay_webhookevent"),
    "admin:billing_refund_act:approve": staff("GET POST", "billing.decide_refund"),
    "admin:billing_refund_act:refuse": staff("GET POST", "billing.decide_refund"),
    "admin:billing_refund_act:never-sent": staff("GET POST", "billing.decide_refund"),
    "admin:billing_dispute_act:contest": staff("GET POST", "billing.answer_dispute"),
    "admin:billing_dispute_act:accept": staff("GET POST", "billing.answer_dispute"),
    "admin:billing_savedcard_act:remove": staff("GET POST", "billing.remove_savedcard"),
    "admin:billing_approval_act:approve": staff("GET POST", "billing.decide_approval"),
    "admin:billing_approval_act:refuse": staff("GET POST", "billing.decide_approval"),
    "admin:billing_reconciledday_act:run": staff("GET POST", "billing.run_reconciledday"),
    "admin:billing_reconciledday_act:close": staff("GET POST", "billing.close_reconciledday"),
}
# What the console offers beside looking; everything else is refused to everybody, administrators too.
CONSOLE: dict[str, str] = {
    "accounts.auditentry": "",
    "accounts.auditseal": "",
    "accounts.event": "",
    "accounts.factorreset": "add",
    "accounts.notice": "",
    "accounts.outgoingemail": "",
    "accounts.user": "add",
    "auth.group": "",
    "billing.account": "",
    "billing.approval": "",
    "billing.autotopup": "",
    "billing.dedicatedaccount": "",
    "billing.deposit": "",
    "billing.dispute": "",
    "billing.exchangerate": "add",
    "billing.reconciledday": "",
    "billing.refund": "",
    "billing.savedcard": "",
    "billing.settlement": "",
    "billing.transfer": "",
    "billing.webhookevent": "",
    "verifications.attempt": "",
    "verifications.country": "add change",
    "verifications.historyentry": "",
    "verifications.message": "",
    "verifications.offer": "",
    "verifications.pricerule": "add change delete",
    "verifications.provider": "add change",
    "verifications.providercountrycode": "add change delete",
    "verifications.providerservicecode": "add change delete",
    "verifications.service": "add change",
    "verifications.strayorder": "",
    "verifications.verification": "",
}
LOOKED_AT_WITH = {"auth.group": "accounts.assign_role"}
NOBODY_MAY = "nobody.may"  # no role has it


def console_pages() -> dict[str, Page]:
    """The pages that Django makes for each model. A POST to a form asks for more than looking at it does."""
    pages: dict[str, Page] = {}
    for label, offers in CONSOLE.items():
        app, model = label.split(".")
        look = LOOKED_AT_WITH.get(label, f"{app}.view_{model}")
        pages |= {
            f"admin:{app}_{model}_changelist": staff("GET POST", look),
            f"admin:{app}_{model}_history": staff("GET POST", look),
            f"admin:{app}_{model}_short": staff("GET POST"),
            f"admin:{app}_{model}_change": staff("GET POST", look),
            **{
                f"admin:{app}_{model}_{verb}": staff(
                    "GET POST", f"{app}.{verb}_{model}" if verb in offers.split() else NOBODY_MAY
                )
                for verb in ("add", "delete")
            },
        }
    return pages


def change_permission(key: str) -> str | None:
    """What it takes to send the form of a row, by the key of its page."""
    if key.endswith("_simple_history"):
        return NOBODY_MAY  # old versions are not put back
    for label, offers in CONSOLE.items():
        app, model = label.split(".")
        if key == f"admin:{app}_{model}_change":
            return f"{app}.change_{model}" if "change" in offers.split() else NOBODY_MAY
    return None
