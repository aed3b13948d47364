"""The vocabulary of code extraction: words beside a code, and shapes that are never one."""

from __future__ import annotations

import re

# Beginnings of words; a language inflects the rest ("kodunuz", "кода", "códigos").
_STEMS = (
    "code|codigo|código|codice|codi|kode|kod|kód|code|koodi|kood|codul|cod de|šifr|verif|vérif|passcode|password|passwort|"
    "passwd|clave|contraseñ|senha|parola|hasło|doğrulam|şifre|mật khẩu|mã|xác|"
    "код|пароль|подтвержд|підтвердж|κωδικ|security code|one-time|one time|2fa|authentic|confirm"
)
_WHOLE = "otp|pin|tan|pass|mfa|totp"
_UNSPACED = (
    "验证码|校验码|动态码|认证码|驗證碼|認證碼|動態碼|確認碼|コード|認証番号|確認番号|暗証番号|인증번호|인증코드|코드|"
    "رمز|كود|کد|کوڈ|קוד|कोड|ओटीपी|কোড|รหัส|კოდი|կոդ"
)
KEYWORD = re.compile(rf"(?i)(?<![^\W\d_])(?:(?:{_STEMS})|(?:{_WHOLE})(?![^\W\d_]))|(?:{_UNSPACED})")

# Words before a number that is something else.
OTHER_NUMBER = re.compile(
    r"(?i)(?:\b(?:ref|reference|order|txn|transaction|invoice|ticket|case|acct?|account|a/c|card|ending(?: in| with)?|no|nr|"
    r"to|call|dial|text|from|helpline|hotline|room|flight|version|since|in|за|№)\b[\s.:#№-]*)$"
)

_CURRENCY = r"(?:usd|eur|gbp|ngn|inr|rub|rs|kes|zar|ghs|cny|jpy|try|brl|pln|uah|руб|грн|aed|sar|₸)"
_SIGN = "[$€£¥₹₽₦₴₩₺₫฿₵]"
_UNIT = (
    r"(?:minut\w*|mins?\b|min\.|seconds?\b|secs?\b|segundo\w*|sekund\w*|secondes?\b|hours?\b|hrs?\b|hora\w*|heures?\b|stunden?\b|"
    r"days?\b|d[ií]as?\b|jours?\b|tage?\b|weeks?\b|months?\b|years?\b|мин\w*|хв\w*|сек\w*|час\w*|годин\w*|дн\w*|ден\w*|сут\w*|"
    r"dakika\w*|saat\w*|saniye\w*|phút|giờ|giây|menit|jam\b|detik|perc\b|godzin\w*|λεπτ\w*|ώρ\w*|"
    r"分钟|分鐘|分|秒|小时|小時|時間|天|日|분|초|시간|일|मिनट|घंट\w*|दिन|মিনিট|دقيقة|دقائق|دقیقه|ثانية|ساعة|ساعت|נ?דקות|นาที|วินาที|ชั่วโมง)"
)
_TLD = "(?:com|net|org|io|co|app|me|ly|ru|de|uk|fr|in|cn|info|dev|ai|gg|tv|link|page|site|online|to|us|eu)"

# Blanked out in this order before candidates are looked for: a later shape must not swallow a neighbour of an earlier one.
NEVER = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:https?://|www\.)\S+",
        r"[\w.+-]{1,64}@[a-z0-9-]{1,63}\.[a-z0-9.-]{2,63}",
        r"(?<![\w.-])(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}/\S*",
        rf"(?<![\w.-])(?:[a-z0-9-]{{0,62}}[a-z][a-z0-9-]{{0,62}}\.){{1,6}}{_TLD}(?![\w-])",
        r"(?<!\d)(?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)",
        r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|1[0-2])\1(?:19|20)?\d\d(?!\d)",
        r"(?<!\d)(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])/(?:19|20)?\d\d(?!\d)",
        r"(?<!\d)[012]?\d[:.h][0-5]\d(?::[0-5]\d)?(?!\d)(?:\s?[ap]\.?m\b)?",
        rf"(?<![\d.,])\d[\d.,]*\s?-?(?:{_UNIT})",
        rf"{_SIGN}\s?\d[\d.,]*",
        rf"(?<![a-z]){_CURRENCY}[.\s]?\s?\d[\d.,]*",
        rf"(?<![\d.,])\d[\d.,]*\s?(?:{_SIGN}|{_CURRENCY}(?![a-z]))",
        r"(?<![\d.,])\d[\d.,]*\s?%",
        r"(?<![\d.,])\d+[.,]\d+(?:[.,]\d+)*",
        r"(?<![a-z0-9])[*x•]{2,}[\s-]?\d{3,6}(?![\d*])",
        r"\+\d[\d\s().-]{6,20}\d",
    )
)
# Digits in groups of up to five, nine or more in all: a telephone, card or account number.
LONG_NUMBER = re.compile(r"(?<![\d-])\(?\d{1,5}\)?(?:[ .-]{1,2}\(?\d{1,5}\)?){1,6}(?!\d)")
LONG_NUMBER_DIGITS = 9
