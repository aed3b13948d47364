"""What services write in their SMS, and who they say they are."""

import random
import re

_TEMPLATES: dict[str, tuple[str, tuple[str, ...], int]] = {
    # handler code: (sender, texts, code length); {dashed} is the code in two halves.
    "wa": ("WhatsApp", ("Your WhatsApp code: {dashed}\nDon't share this code with others",
                        "<#> Your WhatsApp code: {dashed}\n4sgLq1p5sV6"), 6),
    "tg": ("Telegram", ("Telegram code: {code}\nYou can also tap on this link to log in:\nhttps://t.example.test/{code}",
                        "Your code is {code}"), 5),
    "go": ("Google", ("G-{code} is your Google verification code.",
                      "G-{code} is your Google verification code. Don't share your code with anyone."), 6),
    "fb": ("Facebook", ("{code} is your Facebook code", "FB-{code} is your Facebook confirmation code"), 5),
    "ig": ("Instagram", ("{code3} is your Instagram code. Don't share it.",
                         "Use {code3} to verify your Instagram account."), 6),
    "tw": ("X", ("Your X confirmation code is {code}.",), 6),
    "ds": ("Discord", ("Your Discord verification code is: {code}",), 6),
    "vi": ("Viber", ("Your Viber code: {code}. You can also tap this link to finish your activation",), 6),
    "ub": ("Uber", ("Your Uber code is {code}. Never share this code.",), 4),
    "lf": ("TikTok", ("[TikTok] {code} is your verification code, valid for 5 minutes.",), 6),
    "oi": ("Tinder", ("Your Tinder code is {code}. Don't share it with anyone.",), 6),
    "mm": ("Microsoft", ("Use {code} as Microsoft account security code",), 6),
    "am": ("Amazon", ("{code} is your Amazon OTP. Don't share it with anyone.",), 6),
    "wx": ("Apple", ("Your Apple Account Code is: {code}. Don't share it with anyone.",), 6),
    "ts": ("PayPal", ("PayPal: {code} is your security code. Don't share your code.",), 6),
    "uk": ("Airbnb", ("Your Airbnb verification code is: {code}.",), 6),
    "dr": ("OpenAI", ("Your OpenAI verification code is: {code}",), 6),
    "mt": ("Steam", ("Your Steam verification code is {code}",), 5),
    "nf": ("Netflix", ("Your Netflix verification code is {code}",), 6),
    "tn": ("LinkedIn", ("Your LinkedIn verification code is {code}.",), 6),
    "vk": ("VK", ("VK: {code} - registration code",), 5),
    "ya": ("Yandex", ("Your confirmation code is {dashed}. Please enter it in the text field.",), 6),
}  # fmt: skip
_ANY_TEXTS = (
    "Your {name} verification code is {code}",
    "{code} is your {name} code. Do not share it with anyone.",
    "[{name}] Verification code: {code}. It expires in 10 minutes.",
)
_SHORT_SENDERS = ("AUTHMSG", "Verify", "22395", "+447860000042", "InfoSMS", "CloudOTP")
_CODE = re.compile(r"(?<![0-9A-Za-z])(?:[A-Z]{1,3}-)?([0-9]{3}[- ][0-9]{3}|[0-9]{3,8})(?![0-9])")


def compose(rng: random.Random, service: str, name: str, style: str | None) -> tuple[str, str, str | None]:
    """Write one SMS.

    Args:
        service: Handler code of the service.
        name: Readable name of the service.
        style: None, or one of the text faults `no_code_sms`, `leading_zero_code`, `odd_text`.

    Returns:
        Sender, text, and the code as the vendor would read it.
    """
    name = name.split(" / ", maxsplit=1)[0]
    sender, texts, length = _TEMPLATES.get(service, (name, _ANY_TEXTS, 6))
    if rng.random() < 0.2:
        sender = rng.choice(_SHORT_SENDERS)
    if style == "no_code_sms":
        return sender, f"Welcome to {name}! Open the app to confirm this device.", None
    first = "0" if style == "leading_zero_code" else rng.choice("123456789")
    code = first + "".join(rng.choices("0123456789", k=length - 1))
    if style == "odd_text":
        # Colons, a line break, an emoji and right-to-left text with its marks: everything parsers trip over.
        return sender, f"\u200f{name}: رمز التحقق: {code} 🔐\nلا تشاركه: مع أي شخص\u200f", code
    half = (length + 1) // 2
    text = rng.choice(texts).format(
        name=name, code=code, dashed=f"{code[:half]}-{code[half:]}", code3=f"{code[:3]} {code[3:]}"
    )
    return sender, text, code


def read_code(text: str) -> str | None:
    """The code a vendor's own extractor would find in a text, without its hyphen or space."""
    match = _CODE.search(text)
    return re.sub(r"[- ]", "", match.group(1)) if match else None
