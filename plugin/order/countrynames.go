package order

// countryNames has a line for each country: its code, and its names in several languages, mostly
// from Unicode CLDR.
const countryNames = `AD Andorra
AE United Arab Emirates; UAE
AF Afghanistan
AG Antigua & Barbuda
AI Anguilla
AL Albania; Shqipëri
AM Armenia
AO Angola
AQ Antarctica
AR Argentina
AS American Samoa
AT Austria; Österreich
AU Australia
AW Aruba
AX Åland Islands
AZ Azerbaijan
BA Bosnia & Herzegovina; Bosna i Hercegovina
BB Barbados
BD Bangladesh
BE Belgium; België; Belgique; Belgien
BF Burkina Faso
BG Bulgaria; България
BH Bahrain
BI Burundi
BJ Benin
BL St. Barthélemy
BM Bermuda
BN Brunei
BO Bolivia
BQ Caribbean Netherlands
BR Brazil; Brasil
BS Bahamas
BT Bhutan
BV Bouvet Island
BW Botswana
BY Belarus; Беларусь
BZ Belize
CA Canada
CC Cocos (Keeling) Islands
CD Congo - Kinshasa; Democratic Republic of the Congo
CF Central African Republic
CG Congo - Brazzaville; Congo
CH Switzerland; Schweiz; Suisse; Svizzera; Svizra
CI Côte d’Ivoire; Ivory Coast
CK Cook Islands
CL Chile
CM Cameroon
CN China; 中国
CO Colombia
CR Costa Rica
CU Cuba
CV Cape Verde; Cabo Verde
CW Curaçao
CX Christmas Island
CY Cyprus; Κύπρος; Kıbrıs; Kypros
CZ Czechia; Česko; Czech Republic; Česká republika
DE Germany; Deutschland
DJ Djibouti
DK Denmark; Danmark
DM Dominica
DO Dominican Republic
DZ Algeria
EC Ecuador
EE Estonia; Eesti
EG Egypt
EH Western Sahara
ER Eritrea
ES Spain; España; Espanya; Espainia
ET Ethiopia
FI Finland; Suomi
FJ Fiji
FK Falkland Islands
FM Micronesia
FO Faroe Islands
FR France
GA Gabon
GB United Kingdom; Great Britain; Britain; England; UK
GD Grenada
GE Georgia
GF French Guiana; Guyane; Guyane française; Französisch-Guayana; Guyana francese; Guayana Francesa
GG Guernsey
GH Ghana
GI Gibraltar
GL Greenland
GM Gambia
GN Guinea
GP Guadeloupe
GQ Equatorial Guinea
GR Greece; Ελλάδα; Hellas; EL
GS South Georgia & South Sandwich Islands
GT Guatemala
GU Guam
GW Guinea-Bissau
GY Guyana
HK Hong Kong SAR China; Hong Kong
HM Heard & McDonald Islands
HN Honduras
HR Croatia; Hrvatska
HT Haiti
HU Hungary; Magyarország
ID Indonesia
IE Ireland; Éire; Republic of Ireland
IL Israel
IM Isle of Man
IN India; भारत; ভারত; இந்தியா; భారతదేశం; ભારત; ಭಾರತ; ഇന്ത്യ; ਭਾਰਤ; بھارت; Bharat
IO British Indian Ocean Territory
IQ Iraq
IR Iran
IS Iceland; Ísland
IT Italy; Italia
JE Jersey
JM Jamaica
JO Jordan
JP Japan; 日本
KE Kenya
KG Kyrgyzstan
KH Cambodia
KI Kiribati
KM Comoros
KN St. Kitts & Nevis
KP North Korea
KR South Korea; 대한민국; Korea; Republic of Korea
KW Kuwait
KY Cayman Islands
KZ Kazakhstan; Қазақстан; Казахстан
LA Laos
LB Lebanon
LC St. Lucia
LI Liechtenstein
LK Sri Lanka
LR Liberia
LS Lesotho
LT Lithuania; Lietuva
LU Luxembourg; Lëtzebuerg; Luxemburg
LV Latvia; Latvija
LY Libya
MA Morocco
MC Monaco
MD Moldova; Republica Moldova
ME Montenegro; Црна Гора
MF St. Martin
MG Madagascar
MH Marshall Islands
MK Macedonia; Македонија; North Macedonia
ML Mali
MM Myanmar (Burma)
MN Mongolia
MO Macau SAR China; Macau; Macao
MP Northern Mariana Islands
MQ Martinique
MR Mauritania
MS Montserrat
MT Malta
MU Mauritius
MV Maldives
MW Malawi
MX Mexico; México
MY Malaysia
MZ Mozambique
NA Namibia
NC New Caledonia
NE Niger
NF Norfolk Island
NG Nigeria
NI Nicaragua
NL Netherlands; Nederland; Holland
NO Norway; Norge; Noreg
NP Nepal
NR Nauru
NU Niue
NZ New Zealand
OM Oman
PA Panama
PE Peru; Perú
PF French Polynesia
PG Papua New Guinea
PH Philippines
PK Pakistan
PL Poland; Polska
PM St. Pierre & Miquelon
PN Pitcairn Islands
PR Puerto Rico
PS Palestinian Territories
PT Portugal
PW Palau
PY Paraguay
QA Qatar
RE Réunion; La Réunion
RO Romania; România
RS Serbia; Србија
RU Russia; Россия; Russian Federation; Российская Федерация; Rossiya
RW Rwanda
SA Saudi Arabia
SB Solomon Islands
SC Seychelles
SD Sudan
SE Sweden; Sverige
SG Singapore
SH St. Helena
SI Slovenia; Slovenija
SJ Svalbard & Jan Mayen
SK Slovakia; Slovensko
SL Sierra Leone
SM San Marino
SN Senegal
SO Somalia
SR Suriname
SS South Sudan
ST São Tomé & Príncipe
SV El Salvador
SX Sint Maarten
SY Syria
SZ Swaziland; Eswatini
TC Turks & Caicos Islands
TD Chad
TF French Southern Territories
TG Togo
TH Thailand
TJ Tajikistan
TK Tokelau
TL Timor-Leste
TM Turkmenistan
TN Tunisia
TO Tonga
TR Turkey; Türkiye
TT Trinidad & Tobago
TV Tuvalu
TW Taiwan
TZ Tanzania
UA Ukraine; Україна; Украина; Ukraina
UG Uganda
UM U.S. Outlying Islands
US United States; United States of America; USA
UY Uruguay
UZ Uzbekistan
VA Vatican City; Holy See
VC St. Vincent & Grenadines
VE Venezuela
VG British Virgin Islands
VI U.S. Virgin Islands
VN Vietnam
VU Vanuatu
WF Wallis & Futuna
WS Samoa
YE Yemen
YT Mayotte
ZA South Africa
ZM Zambia
ZW Zimbabwe
XK Kosovo; Kosovë
EU European Union; Europe`
