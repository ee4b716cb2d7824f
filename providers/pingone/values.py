"""The values PingOne is known to take where it checks a format: published as canonicalValues.

Other values are passed on as they are, and PingOne decides.
"""

import re
from typing import Final
from zoneinfo import available_timezones

TIMEZONES: Final = tuple(sorted(zone for zone in available_timezones() if re.fullmatch(r"[A-Z]\w+/\w+", zone)))
"""PingOne takes zones of exactly two parts (vendor: Users), so neither ``UTC`` nor ``America/Indiana/Knox``."""
LOCALES: Final = tuple(
    "ar-SA cs-CZ da-DK de-AT de-CH de-DE el-GR en-AU en-CA en-GB en-IE en-IN en-NZ en-US en-ZA es-AR es-ES es-MX "
    "fi-FI fr-BE fr-CA fr-CH fr-FR he-IL hi-IN hu-HU id-ID it-IT ja-JP ko-KR nb-NO nl-BE nl-NL pl-PL pt-BR pt-PT ro-RO "
    "ru-RU sv-SE th-TH tr-TR uk-UA vi-VN zh-CN zh-HK zh-TW".split()
)
"""Language tags (RFC 5646)."""
LANGUAGES: Final = tuple(sorted({each.partition("-")[0] for each in LOCALES} | set(LOCALES)))
COUNTRIES: Final = tuple(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO "
    "FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE "
    "JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO "
    "MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW "
    "PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM "
    "TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW".split()
)
"""ISO 3166-1 alpha-2, as SCIM's ``addresses.country`` wants it too (RFC 7643 section 4.1.2)."""
