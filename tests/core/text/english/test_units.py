"""Measures: SI units by rule, everyday units, temperatures, feet and inches."""

import pytest

from nanospeech_core.text.english.normalize import normalize

UNITS = {
    # SI with prefixes
    "1013 hPa": "one thousand thirteen hectopascals",
    "500 kPa": "five hundred kilopascals",
    "10 μg": "ten micrograms",
    "5 µm": "five micrometers",
    "2.4 GHz": "two point four gigahertz",
    "50 mAh": "fifty milliamp hours",
    "12 MW": "twelve megawatts",
    "230 V": "two hundred thirty volts",
    "1 kJ": "one kilojoule",
    "200 kcal": "two hundred kilocalories",
    # units over units
    "60km/h": "sixty kilometers per hour",
    "9.8 m/s²": "nine point eight meters per second squared",
    "1.2 g/cm³": "one point two grams per cubic centimeter",
    "100 Mbps": "one hundred megabits per second",
    "10 mg/L": "ten milligrams per liter",
    "50 m^2": "fifty square meters",
    # temperatures
    "98.6 F": "ninety-eight point six degrees Fahrenheit",
    "20°C–25°C": "twenty degrees Celsius to twenty-five degrees Celsius",
    "20-25 °C": "twenty to twenty-five degrees Celsius",
    "-40°F": "minus forty degrees Fahrenheit",
    "Bake at 350 F.": "Bake at three hundred fifty degrees Fahrenheit.",
    "−12 ℃": "minus twelve degrees Celsius",
    # feet and inches
    "The rug is 3' x 4'.": "The rug is three feet by four feet.",
    'A 12" ruler.': "A twelve inch ruler.",
    "He is 6'2\".": "He is six foot two.",
    "a 6' fence": "a six foot fence",
    '5′10″ tall, a 24" screen': "five foot ten tall, a twenty-four inch screen",
    'He said "I am 12" too': 'He said "I am twelve" too',
    "he wrote 'in 1990' and": "he wrote 'in nineteen ninety' and",
    "The board is 6 in. wide.": "The board is six inches wide.",
    "5 ft. 3 in. tall": "five feet three inches tall",
    "3 sq. ft. of": "three square feet of",
    "a 2'x4' board": "a two feet by four feet board",
    '3/8" thick': "three eighths inch thick",
    # recipes
    "Add 1 tbsp. sugar": "Add one tablespoon sugar",
    "2 tsp. salt": "two teaspoons salt",
    "1½ cups": "one and one half cups",
    "3 oz. of it": "three ounces of it",
    "2 lbs. beef": "two pounds beef",
    # ranges
    "5%-10%": "five percent to ten percent",
    "3–4 kg": "three to four kilograms",
    "10km-15km": "ten kilometers to fifteen kilometers",
    "2x4": "two by four",
    "3 x 5 cm": "three by five centimeters",
    # fractions
    "1/2 tsp. salt": "one half teaspoon salt",
    "1 1/2 tsp. salt": "one and one half teaspoons salt",
    "3/4 lb": "three quarters pound",
    "2½ km": "two and one half kilometers",
    "a 1/4 mi. run": "a one quarter mile run",
}


@pytest.mark.parametrize(("written", "spoken"), UNITS.items(), ids=UNITS)
def test_measure(written, spoken):
    assert normalize(written) == spoken
