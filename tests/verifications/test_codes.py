"""What a person would type, in many languages and disguises."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifications.codes import MAX_CODE, extract_code

FOUND = [
    # Plain
    ("482913", "482913"),
    ("Your code is 482913", "482913"),
    ("Your code is 482913.Do not share it", "482913"),
    ("Telegram code: 048291", "048291"),
    ("Login code: 12345. Do not give this code to anyone, even if they say they are from Telegram!", "12345"),
    ("[TikTok] 482913 is your verification code, valid for 5 minutes", "482913"),
    ("PayPal: 482913 is your security code. Don't share it.", "482913"),
    ("Use 4829 to verify. Sent 2024-05-06 12:30", "4829"),
    ("Code 12345678", "12345678"),
    ("Your code is 123", "123"),
    ("Your code is 2024", "2024"),
    ("CODE=482913", "482913"),
    ("**482913** is your login code", "482913"),
    # Joined
    ("G-482913 is your Google verification code.", "482913"),
    ("FB-48291 is your Facebook confirmation code", "48291"),
    ("WhatsApp code 482-913. You can also tap this link: v.whatsapp.com/482913", "482913"),
    ("Your WhatsApp code: 482-913\nDon't share this code with others\n4sgLq1p5sV6", "482913"),
    ("482 913 is your Instagram code. Don't share it.", "482913"),
    ("12-34-56 is your code", "123456"),
    ("Your code is 4 8 2 9 1", "48291"),
    ("PIN-4829", "4829"),
    # Letters
    ("Your code: A7K9QX", "A7K9QX"),
    ("Use A7K9QX.Do not share your code", "A7K9QX"),
    ("Steam Guard code R7K4C", "R7K4C"),
    ("ABC-123 is your code", "ABC123"),
    ("Your code is a7k9qx", "a7k9qx"),
    # Machine formats
    ("<#> 482913 is your Facebook code\nLaz+nxCarLW", "482913"),
    ("<#> Your code: 482913 FA9qCX9VSu1", "482913"),
    ("Your Apple ID Code is: 482913. Don't share it.\n@apple.com #482913 %apple.com", "482913"),
    ("Sign in\n\n@example.com #048291", "048291"),
    # Company of other numbers
    ("Your Uber code is 4829. Reply STOP to 89203 to unsubscribe", "4829"),
    ("Your PIN expires in 10 minutes: 482913", "482913"),
    ("Order 88213377 confirmed. PIN 5521", "5521"),
    ("Your verification code is: 482913 (ref 77120)", "482913"),
    ("Payment of $120.50 on card ending 4321. OTP 482913 valid 300 seconds. Call 18005550100", "482913"),
    ("OTP for txn of INR 4,500.00 on a/c XX1234 is 482913. Valid till 12:45", "482913"),
    ("Rs 4500 will be debited. OTP: 048291", "048291"),
    ("Your login code for 2024 is 482913", "482913"),
    ("482913 is your code. Questions? +1 (212) 555-0100 or 0803 123 4567", "482913"),
    ("Your code is 48291, expires 06/05/2024 at 17:30", "48291"),
    ("50% off! Your code is 7391", "7391"),
    ("Visit https://x.example/v?code=111111 or type the code 482913", "482913"),
    # Other languages
    ("Ваш код: 482913. Никому не сообщайте", "482913"),
    ("Код 482 913, действует 5 минут", "482913"),
    ("Ваш пароль для входа 4829", "4829"),
    ("Seu código é 482913", "482913"),
    ("Tu código de verificación es 048291, caduca en 10 minutos", "048291"),
    ("7391 est votre code Bolt", "7391"),
    ("Ihr Code lautet 482913", "482913"),
    ("Kodunuz 482913, 3 dakika gecerlidir", "482913"),
    ("Twój kod to 482913", "482913"),
    ("Mã xác thực của bạn là 482913", "482913"),
    ("Kode OTP Anda 482913. Berlaku 5 menit", "482913"),
    ("【微信】验证码482913，10分钟内有效。", "482913"),
    ("認証コードは482913です", "482913"),
    ("인증번호 [482913]를 입력해주세요", "482913"),
    ("รหัส OTP ของคุณคือ 482913 หมดอายุใน 5 นาที", "482913"),
    ("رمز التحقق الخاص بك هو 482913", "482913"),
    ("رمز التحقق: ٤٨٢٩١٣", "482913"),
    ("کد تایید شما: ۴۸۲۹۱۳", "482913"),
    ("आपका कोड ४८२९१३ है", "482913"),
    ("\u200f482913\u200f הוא קוד האימות שלך", "482913"),
    ("\u202b\u2066482-913\u2069 :رمز\u202c", "482913"),
    # Emoji and wide digits
    ("🔐 Your code is 482913 🎉", "482913"),
    ("4️⃣8️⃣2️⃣9️⃣1️⃣3️⃣ is your code", "482913"),
    ("验证码：４８２９１３", "482913"),
]

NOT_FOUND = [
    "",
    "No digits here",
    "Open the app to sign in",
    "Hello, meet at room 204",
    "Happy new year 2024!",
    "Your balance is $45.00",
    "Total: 1234 USD",
    "You paid ₦5,000.00",
    "Call +1 (212) 555-0100 for help",
    "Call 2125550100",
    "See you on 06/05/2024 at 12:30",
    "Valid for 10 minutes",
    "Visit https://x.example/verify?code=482913",
    "v.whatsapp.com/482913",
    "Your parcel 1Z999AA10123456784 is on its way",
    "Save 50%",
    "\u200f\u200e\u2066\u2069",
    "🎉🎉🎉",
]


@pytest.mark.parametrize(("text", "code"), FOUND)
def test_extract_code_finds_what_a_person_would_type(text: str, code: str) -> None:
    assert extract_code(text) == code


@pytest.mark.parametrize("text", NOT_FOUND)
def test_extract_code_finds_nothing_where_there_is_none(text: str) -> None:
    assert extract_code(text) == ""


@pytest.mark.parametrize(
    ("provider_code", "code"),
    [
        ("048291", "048291"),
        ("482-913", "482913"),
        ("482 913", "482913"),
        ("G-482913", "482913"),
        (" A7K9QX ", "A7K9QX"),
        ("QWERTY", "QWERTY"),
        ("٤٨٢٩١٣", "482913"),
        # No codes, so the text is read.
        ("", "7391"),
        ("none", "7391"),
        ("12", "7391"),
        ("open the app", "7391"),
        ("1234567890123", "7391"),
    ],
)
def test_extract_code_prefers_a_code_of_the_provider(provider_code: str, code: str) -> None:
    assert extract_code("Your code is 7391", provider_code) == code


def test_extract_code_reads_a_text_in_the_place_of_the_code() -> None:
    assert extract_code("", "Your code is 482913, thanks") == "482913"


_PIECES = [
    "code",
    " ",
    "482",
    "913",
    "-",
    "код",
    "رمز",
    "٤٨٢",
    "$",
    "\u200f",
    "12:30",
    "A7K9",
    "@x.io #",
    "\n",
    ".",
    "é",
]
any_text = st.text(max_size=300) | st.lists(st.sampled_from(_PIECES)).map("".join)


def _ascii_digits(text: str) -> set[str]:
    return {str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c for c in text}


@given(any_text, st.just("") | any_text)
def test_extract_code_invents_nothing(text: str, provider_code: str) -> None:
    code = extract_code(text, provider_code)

    assert len(code) <= MAX_CODE
    assert code == "" or code.isalnum()
    assert set(code) <= _ascii_digits(text) | _ascii_digits(provider_code)


@given(st.text(alphabet="0123456789", min_size=4, max_size=8))
def test_extract_code_reads_any_digits_after_the_word(digits: str) -> None:
    assert extract_code(f"Your code: {digits}") == digits


@pytest.mark.parametrize(
    "text", ["1" * 9000, "1-" * 900, "a.a" * 900, "1 " * 900, "1,1." * 900, "@a.b " * 900, "1.a-" * 900]
)
def test_extract_code_is_quick_on_hostile_text(text: str) -> None:
    started = time.perf_counter()

    extract_code(text, text)

    assert time.perf_counter() - started < 0.5
