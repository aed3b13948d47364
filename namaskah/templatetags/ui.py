"""What every template speaks with: money, icons, states, numbers and times. Loaded as builtins by the settings."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import re
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Protocol
from zlib import crc32

import lucide
import phonenumbers
from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from namaskah.lib.money import format_money, from_subunits

register = template.Library()

# Of an order, a hold, then a payment. A status is read by word and shape; the tone is one of the four hues of tokens.css.
STATUS_TONES = {
    "ordering": ("waiting", "loader"),
    "waiting": ("waiting", "clock"),
    "cancelling": ("waiting", "undo-2"),
    "received": ("received", "message-square-text"),
    "completed": ("received", "check"),
    "cancelled": ("returned", "undo-2"),
    "expired": ("returned", "timer-off"),
    "failed": ("problem", "triangle-alert"),
    "open": ("waiting", "lock"),
    "captured": ("received", "check"),
    "released": ("returned", "undo-2"),
    "created": ("waiting", "loader"),
    "pending": ("waiting", "clock"),
    "processing": ("waiting", "landmark"),
    "succeeded": ("received", "check"),
    "abandoned": ("returned", "circle-slash"),
    "needs_review": ("waiting", "search-check"),
    "reversed": ("returned", "undo-2"),
    "disputed": ("waiting", "landmark"),
    "taken_back": ("returned", "undo-2"),
}
# White or near-black letters stand on each of these with a contrast of 4.5 at least.
INITIAL_COLOURS = ("#8a4b2f", "#6d5a1c", "#3f6b3a", "#1f6b66", "#35618e", "#5b5596", "#86497c", "#7a4a52")
# The icon package's own __init__ imports all of its 3,400 icons: 1.5 s and 70 MB in every process (seen with 16.x,
# November 2026). Under a package name of ours only the icons that are drawn are read.
BRANDS = "namaskah_brand_icons"
PATH = re.compile(r'\sd="([^"]+)"')
# A longer path is a word written out: unreadable on a tile of 40 pixels, and a page of 89 services must stay under 60 kB.
LONGEST_PATH = 2400


class HasIcon(Protocol):
    """A service, or a card that stands for one."""

    name: str
    icon: str


class HasFlag(Protocol):
    """A country, or a row that stands for one."""

    iso2: str
    flag: str


# --- Money ------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _money(amount: Decimal, currency: str, plus: str, language: str | None) -> SafeString:
    text = format_money(amount, currency)
    return format_html('<data class="money" value="{}">{}{}</data>', amount, plus, text)


@register.simple_tag
def money(amount: Decimal | str | None, currency: str, *, signed: bool = False) -> SafeString:
    """An amount on one line. `signed` writes the plus of money that came in."""
    if amount is None or amount == "":  # a context without it
        return mark_safe("–")
    amount = Decimal(amount)
    return _money(amount, currency, "+" if signed and amount > 0 else "", get_language())


@register.simple_tag
def subunits(amount: int, currency: str) -> SafeString:
    """An amount that Paystack counts in hundredths, as money."""
    return money(from_subunits(amount), currency)


@register.filter
def minus(amount: Decimal, other: Decimal) -> Decimal:
    """The difference of two amounts, e.g. what is missing in the wallet."""
    return amount - other


# --- Icons ------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=512)
def _icon(name: str, title: str, size: int) -> SafeString:
    svg = lucide._render_icon(name, size, **{"class": "icon", "stroke-width": "1.75", "focusable": "false"})
    svg = " ".join(svg.replace("\n", " ").split()).replace("> <", "><")
    if not title:
        return mark_safe(svg.replace("<svg ", '<svg aria-hidden="true" ', 1))  # noqa: S308  # from the package
    label = format_html('<svg role="img" aria-label="{}" ', title)
    return mark_safe(svg.replace("<svg ", label, 1))  # noqa: S308  # the title is escaped above


@register.simple_tag
def icon(name: str, *, title: str = "", size: int = 20) -> SafeString:
    """A Lucide icon. Without a title it is decoration and hidden from screen readers."""
    return _icon(name, str(title), size)


def _brand(slug: str) -> tuple[str, str] | None:
    """Colour and path of a Simple Icons mark, or nothing when the package has no such mark."""
    if not re.fullmatch(r"[a-z0-9]+", slug):
        return None
    if BRANDS not in sys.modules:
        origin = importlib.util.find_spec("simplepycons")
        if origin is None or origin.submodule_search_locations is None:
            return None
        spec = importlib.machinery.ModuleSpec(BRANDS, None, is_package=True)
        spec.submodule_search_locations = list(origin.submodule_search_locations)
        sys.modules[BRANDS] = importlib.util.module_from_spec(spec)
    try:
        module = importlib.import_module(f"{BRANDS}._{slug}")
    except ModuleNotFoundError:
        return None
    for kind in vars(module).values():
        if isinstance(kind, type) and kind.__module__ == module.__name__:
            mark = kind()
            path = PATH.search(mark.raw_svg)
            if path and len(path.group(1)) <= LONGEST_PATH:
                return mark.primary_color.lower(), " ".join(path.group(1).split())
    return None


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@lru_cache(maxsize=4096)
def _service_icon(slug: str, name: str, size: int) -> SafeString:
    """A tile in the brand's colour with its mark; without a mark, its initial on a colour that stays the same."""
    if slug and (brand := _brand(slug)):
        colour, path = brand
        mark = "#1f1d1a" if _luminance(colour) > 0.5 else "#fff"
        inside = format_html('<path fill="{}" transform="translate(8 8)" d="{}"/>', mark, path)
    else:
        initial = next((letter for letter in name if letter.isalnum()), "?").upper()
        colour = INITIAL_COLOURS[crc32(name.encode()) % len(INITIAL_COLOURS)]
        inside = format_html(
            '<text x="20" y="27" fill="#fff" font-size="20" font-weight="600" text-anchor="middle">{}</text>',
            initial,
        )
    return format_html(
        '<svg class="brand" aria-hidden="true" focusable="false" width="{0}" height="{0}" viewBox="0 0 40 40">'
        '<rect width="40" height="40" rx="10" fill="{1}"/>{2}</svg>',
        size,
        colour,
        inside,
    )


@register.simple_tag
def service_icon(service: HasIcon, size: int = 40) -> SafeString:
    """The mark of a service. The name always stands beside it, so it is hidden from screen readers."""
    return _service_icon(service.icon or "", service.name, size)


@lru_cache(maxsize=512)
def _flag(iso2: str, emoji: str) -> SafeString:
    return format_html(
        '<span class="flag" aria-hidden="true">{}</span><span class="iso">{}</span>', emoji, iso2
    )


@register.simple_tag
def flag(country: HasFlag) -> SafeString:
    """The flag with the ISO code beside it: not every system draws flags."""
    return _flag(country.iso2, country.flag)


# --- Status -----------------------------------------------------------------------------------------------------------
def _status_words() -> dict[str, str]:
    return {
        "ordering": gettext("Getting a number"),
        "waiting": gettext("Waiting for the code"),
        "cancelling": gettext("Cancelling"),
        "received": gettext("Code received"),
        "completed": gettext("Completed"),
        "cancelled": gettext("Cancelled"),
        "expired": gettext("Expired"),
        "failed": gettext("Failed"),
        "open": gettext("Held"),
        "captured": gettext("Charged"),
        "released": gettext("Returned"),
    }


def _short_words() -> dict[str, str]:
    return {
        "ordering": gettext("Ordering"),
        "waiting": gettext("Waiting"),
        "received": gettext("Received"),
        "created": gettext("Starting"),
        "pending": gettext("Waiting"),
        "processing": gettext("At the bank"),
    }


@register.simple_tag
def status_badge(status: str, label: str = "", *, short: bool = False) -> SafeString:
    """A state as word, shape and hue. `label` replaces the usual word; `short` is for lists."""
    label = label or (_short_words().get(status, "") if short else "")
    tone, shape = STATUS_TONES.get(status, ("returned", "circle"))
    return format_html(
        '<span class="badge" data-status="{}" data-tone="{}">{}{}</span>',
        status,
        tone,
        _icon(shape, "", 16),
        label or _status_words().get(status, status),
    )


@register.filter
def status_tone(status: str) -> str:
    """The hue of a state: waiting, received, returned or problem."""
    return STATUS_TONES.get(status, ("returned", ""))[0]


# --- Phone numbers ----------------------------------------------------------------------------------------------------
@register.filter("phone_form")
@lru_cache(maxsize=4096)
def format_phone(number: str, form: str = "international") -> str:
    """`+44 7400 123456`, or `07400 123456` for `form="local"`; a number we cannot read comes back as it is."""
    try:
        parsed = phonenumbers.parse(number if number.startswith("+") else f"+{number}")
    except phonenumbers.NumberParseException:
        return number
    local = form == "local"
    style = phonenumbers.PhoneNumberFormat.NATIONAL if local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))


@register.simple_tag
def phone(number: str, form: str = "international") -> SafeString:
    """A number in groups that stay together."""
    return (
        format_html('<span class="phone">{}</span>', format_phone(number, form)) if number else mark_safe("")
    )


@register.filter
def digits(number: str) -> str:
    """What a copy button copies: the digits, with the leading plus where there is one."""
    return "".join(letter for letter in number if letter.isdigit() or letter == "+")


# --- Times ------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=2048)
def _duration(seconds: int, language: str | None) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if hours:
        return ngettext("%(count)d h", "%(count)d h", hours) % {"count": hours}
    return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}


def format_relative(moment_: datetime, now: datetime | None = None) -> str:
    """`just now`, `2 min ago`, `in 14 min`, `3 days ago`."""
    seconds = int((moment_ - (now or timezone.now())).total_seconds())
    if abs(seconds) < 60:
        return gettext("just now") if seconds <= 0 else gettext("in a moment")
    words = _duration(abs(seconds) // 60 * 60, get_language())
    return (
        gettext("in %(time)s") % {"time": words} if seconds > 0 else gettext("%(time)s ago") % {"time": words}
    )


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag
def age(seen_at: datetime | None, now: datetime | None = None) -> SafeString:
    """How long ago something was seen."""
    if seen_at is None:
        return mark_safe("–")
    return format_html('<time datetime="{}">{}</time>', _iso(seen_at), format_relative(seen_at, now))


@register.simple_tag
def relative(value: datetime | None, now: datetime | None = None) -> SafeString:
    """How far a moment is from now, in either direction."""
    return age(value, now)


UTC_LABEL = mark_safe('<span class="utc"> UTC</span>')  # hidden where scripts will show the reader's own time
FORMATS = {
    "clock": "H:i",
    "seconds": "H:i:s",
    "date": "j M Y",
    "datetime": "j M Y, H:i",
    "recent": "j M, H:i",
}


def _utc(value: datetime, style: str) -> str:
    return date_format(value.astimezone(UTC), FORMATS[style])


@register.simple_tag
def moment(value: datetime | date | None, style: str = "datetime") -> SafeString:
    """A moment in UTC, which `local-time.js` turns into the reader's own time without moving the text around.

    Args:
        style: clock, seconds, date, datetime or recent, which leaves the year out while it is this one.
    """
    if value is None:
        return mark_safe("–")
    if style == "recent" and value.year != timezone.now().year:
        style = "datetime"
    if not isinstance(value, datetime):
        return format_html(
            '<time datetime="{}">{}</time>', value.isoformat(), date_format(value, FORMATS["date"])
        )
    return format_html(
        '<time class="moment" datetime="{}" data-local="{}">{}{}</time>',
        _iso(value),
        style,
        _utc(value, style),
        "" if style == "date" else UTC_LABEL,
    )


@register.simple_tag
def countdown(deadline: datetime | None, now: datetime | None = None) -> SafeString:
    """Time left as `14:32`. `countdown.js` runs it from the server's clock, so a wrong clock here does not matter."""
    if deadline is None:
        return mark_safe("")
    now = now or timezone.now()
    left = max(0, int((deadline - now).total_seconds()))
    hours, rest = divmod(left, 3600)
    text = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    milliseconds = f"{deadline.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{deadline.microsecond // 1000:03d}Z"
    server_now = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    return format_html(
        '<time class="countdown" role="timer" datetime="PT{}S" data-deadline="{}" data-now="{}">{}</time>',
        left,
        milliseconds,
        server_now,
        text,
    )
