"""Money: signs and codes before and after, magnitudes, ranges, rates."""

import pytest

from nanospeech_core.text.english.normalize import normalize

MONEY = {
    # signs of countries
    "It cost A$2bn.": "It cost two billion Australian dollars.",
    "C$5": "five Canadian dollars",
    "HK$300": "three hundred Hong Kong dollars",
    "NZ$1.50": "one New Zealand dollar and fifty cents",
    "US$20m": "twenty million dollars",
    "a $10-15 ticket": "a ten to fifteen dollar ticket",
    "a S$5 note": "a five Singapore dollar note",
    # signs after the number
    "5$ and 20£": "five dollars and twenty pounds",
    "30€": "thirty euros",
    "15 €": "fifteen euros",
    "1$": "one dollar",
    "1.50$": "one dollar and fifty cents",
    # other currencies
    "₩10,000": "ten thousand won",
    "₽500": "five hundred rubles",
    "₺20": "twenty lira",
    "¥1200": "one thousand two hundred yen",
    "฿40": "forty baht",
    # rupees
    "₹1,50,000": "one lakh fifty thousand rupees",
    "₹5 lakh": "five lakh rupees",
    "₹2 crore": "two crore rupees",
    "₹12,34,567": "twelve lakh thirty-four thousand five hundred sixty-seven rupees",
    "Rs. 500": "five hundred rupees",
    # codes
    "USD 5 million": "five million dollars",
    "20 EUR": "twenty euros",
    "GBP 30": "thirty pounds",
    "CHF 12.50": "twelve Swiss francs and fifty centimes",
    "EUR 1.5bn": "one point five billion euros",
    # magnitudes and ranges
    "€3bn-€4bn": "three billion euros to four billion euros",
    "$5-10": "five to ten dollars",
    "$10-15m": "ten to fifteen million dollars",
    "$5–$10 million": "five to ten million dollars",
    "$20-$30": "twenty dollars to thirty dollars",
    "$1.5k": "one point five thousand dollars",
    "a $3 million house": "a three million dollar house",
    "The $64,000 question": "The sixty-four thousand dollar question",
    # rates
    "Apples are $5/lb.": "Apples are five dollars per pound.",
    "£3.75k/month": "three point seven five thousand pounds per month",
    "20€/night": "twenty euros per night",
    "$12/hr": "twelve dollars per hour",
    "$1.2m/year": "one point two million dollars per year",
    "30 dollars/day": "thirty dollars per day",
    "$80/barrel": "eighty dollars per barrel",
    # what it is for
    "$3/pr": "three dollars per pair",
    "5/ea.": "five each.",
    "$4.50/doz. now": "four dollars and fifty cents per dozen now",
    "$4/ea. or more": "four dollars each or more",
    "10/pkg": "ten per package",
    "£3/pt": "three pounds per pint",
    "$15/class": "fifteen dollars per class",
    "$12/sq ft": "twelve dollars per square foot",
    "£2.50/100 g": "two pounds and fifty pence per one hundred grams",
    "GDP/capita": "GDP per capita",
    "56/100k": "fifty-six per hundred thousand",
    "$30 pp": "thirty dollars per person",
    "£9.99pp": "nine pounds and ninety-nine pence per person",
    "20 req/s": "twenty req per second",
    "1,234 new cases/day": "one thousand two hundred thirty-four new cases per day",
    # magnitudes
    "$3T": "three trillion dollars",
    "$2.4 mil": "two point four million dollars",
    "$5mm": "five million dollars",
    "$5 T-shirt": "five dollars T-shirt",
    # marks of Europe
    "€1.234,56": "one thousand two hundred thirty-four euros fifty-six",
    "1.234,56 €": "one thousand two hundred thirty-four euros fifty-six",
    "CHF 1'234.50": "one thousand two hundred thirty-four Swiss francs and fifty centimes",
    "Fr. 12.50": "twelve francs and fifty centimes",
    "30 Fr. in all": "thirty francs in all",
    "EUR/USD 1.08": "EUR USD one point zero eight",
    # offers
    "2/$5": "two for five dollars",
    "Rs 500/-": "five hundred rupees",
    "$24.8mil., up": "twenty-four point eight million dollars, up",
    "¥3,000/person": "three thousand yen per person",
}


@pytest.mark.parametrize(("written", "spoken"), MONEY.items(), ids=MONEY)
def test_money(written, spoken):
    assert normalize(written) == spoken
