"""Homographs: which words around them make a respelling, and how espeak-ng reads it."""

import re
from collections import Counter

import pytest

from nanospeech_core.text.english import normalize
from nanospeech_core.text.english.rules.homographs import CONTEXTS, HOMOGRAPHS, ROWS, find_context
from nanospeech_core.text.traced import TracedText


def respell(text: str) -> str:
    return normalize.respell(TracedText.of(text)).text


WRITTEN = {spoken: word for context in CONTEXTS for word, spoken in context.spoken.items()}
RESPELLED = re.compile(rf"(?i)\b(?:{'|'.join(WRITTEN)})\b")
# As they are read. Each context of the table has at least two.
SENTENCES = """
Please cloze the window.
Could you please recorde the call?
We have to cloze at six.
She had to inkrease her pace.
Seperate the eggs.
Cloze your eyes and count to ten.
Inkrease the heat.
You can wash the jars and uze them again.
Lock up or cloze the shop.
Uze caution near the edge.
Uze hot water if you can.
We should never uze the old key.
It could not really inkrease the cost.
I'd uze more salt.
She'd recorde it if she could.
The firm recordes the calls.
Let's uze the stairs.
Let me projectt that for a moment.
These tools help people uze the data.
Good locks make you cloze the door.
They helped uze the last of it.
Nothing made him uze the brakes.
Why not uze the other one?
We often uze it.
Sensors recorde the temperature.
Most people uze a fork.
Did Peter uze the car?
Should Anna cloze the door?
The tool recordes the size of every file.
The delay presennts a problem.
The firm uzes the same machine.
A modern car uzes its brakes to charge.
Norway uzes electric ferries.
Nobody who uzes plain soap complains.
The question presennts itself again.
When a chance presennts itself, take it.
Most shops cloze at noon.
The banks cloze early today.
Many parents objeckt to the plan.
We strongly objeckt to that.
Nobody who objeckts to it will come.
Our neighbor Kim objeckts to the noise.
Metals conductt electricity.
It conductts heat badly.
Experts estimait that it will take years.
Moody estimaits that half is lost.
Analysts projectt growth of two percent.
Economists projectt that prices will rise.
Muscles contractt quickly.
Metals expand when heated and contractt when cooled.
Nerves make it contractt when they fire.
Half of them contractt the disease.
Teenagers rebell against everybody.
They sulk or rebell against the rules.
The soldiers dessert their posts.
His men dessert him.
I cannot excuze this.
We'll excuze you.
Excuze me, is this seat taken?
Oh, excuze me.
So sorry — excuze them.
Excuze the mess.
Sit down and excuze my hat.
Do not insullt him.
I wouldn't insullt anyone.
We wined down with tea.
They might wined back the tape.
The river wineds through the valley.
A path wineds up the hill.
They cut trees and tare down walls.
Do not tare up the bill.
The actors bough to the crowd.
You must bough before the king.
My sister livs in Oslo.
Everybody knows where Mary livs.
No one livs here.
He red the letter.
Then she slowly red it again.
"Oswald red a great deal.
Anna never red the papers.
I think that Tom red about it.
That is the book which Thornley red at school.
Mr. Hobbs red so much.
Mrs. Dalloway red it.
The teacher red us a story.
A small sign red as follows.
It red: closed.
The door red "Back at five".
Have you ever red anything by him?
Had they already red it?
I wish I'd red it.
After he'd red the will, he left.
I'd already red it.
We'd recently red his book.
It must be red aloud.
My mails never get red.
He is well-red.
A well-red man came in.
I red it last week.
We red that when I was a child.
Last night I red in bed.
Two years ago, they red all of it.
I recently red that.
We later red her notes.
I red somewhere that it helps.
I red that they had won.
I red your email.
So I red your report on the train.
She sat down and red for an hour.
Tom picked up the jar and red the label.
He wownd the clock.
It wownd its way home.
It was wownd round his neck.
The road wownd through the hills.
A path wownd up to the tower.
The staircase wownd up into the dark.
Tom slowly wownd it in.
The old sailor carefully wownd his scarf.
He doave into the pool.
The goalkeeper doave to his left.
It has led pipes.
Four led bullets were found.
We sell led-free paint.
It takes a led-acid battery.
Two tons of led were stolen.
It was full of led.
The air contains led.
It is lined with led, I think.
Tests found led and mercury.
We ship led, zinc and gold.
Led is a heavy metal.
Led was cheap.
He stood at the bough of the ship.
We sat in the boughs of a boat.
Waves broke over the bough.
They fired a shot across the boughs.
The starboard bough was damaged.
It hit the ship's bough.
Our bough wave woke the ducks.
It shook from bough to stern.
She took a bough.
He left with a little bough.
A deep bough, and he was gone.
He gave a stiff bough to the crowd.
There is a tare in the lining of my coat.
Doctors found tares in her left calf.
He has a hamstring tare.
A calf tare kept her out.
We will put it to yuce.
They are putting that work to yuce.
The tax on ympports will rise.
Cheap ympports hurt farmers.
Exports rose; ympports of oil fell.
Then ympports fell.
The streets were full of reffuce.
Household reffuce is collected on Mondays.
The reffuce collectors are on strike.
Old reffuce bins stood there.
Fresh produese is cheap.
They sell local produese.
He is an innvolid.
She cared for a chronic innvolid for years.
Her mother, an innvolid, came too.
His son, an innvolid, stayed.
It has my-newt traces of gold.
He told it in my-newt detail.
The differences are my-newt.
The print was too my-newt, sadly.
He was contennt to wait.
Not contennt with that, she went on.
She seems contennt.
Dance to your heart's contennt!
They had to contennt themselves with tea.
I contennt myself with bread.
Keep it cloce to you.
She held him cloce.
It is limited to cloce friends.
They fought at close to cloce range.
""".strip().splitlines()
# espeak-ng reads them right, or either reading is possible: they stay.
LEFT = """
They close at nine. He is a close friend. It was close to us. Hold close the door.
She held her close relatives.
Those present the next day were few. In the present situation we wait. At present the shop is shut.
He broke the world record. The records the clerk keeps are old. Good for record and use.
All the objects to be seen are new. He gave the object to her. Trait Objects to the rescue.
The content of the box is new. The content to be sent is here. It is content.
Camels live in the desert the whole year. Men like the desert.
We refuse to pay. They refuse it. The permit the town gave is old. Many projects the town planned are late.
Two permits the office sent came late. The projects this year are large. A good project team is small.
Officials project team members liked. Good conduct the whole year. His conduct is good.
The muscle contract is new.
The contract was signed. A contract the size of a book came. There is an increase in sales.
An increase the size of that.
Use of force is rare. Its use is plain. It has many uses. All uses of it. The uses it has are few. I use it.
What are its uses? Put it to use the tool. It is of no use.
There was an estimate the day before. Estimates that vary. The excuse them all gave was weak.
That is no excuse.
His excuses are bad. That was an insult. Add insult to injury. A rebel against the king. The rebel fought.
The wind up there is cold. A cold wind down the valley. Strong winds through the night.
She shed a tear. A tear in her eye. The tears in her eyes. Tears of joy fell.
She tied a bow in her hair. He shot with a bow and arrow. A house with a bow-window. He drew his bow.
He took a bow and arrow. A bow tie. A violin bow on the table. He lost both bows.
Many people lost their lives. Our lives are short. Black lives matter. Two lives in one.
We live in Paris. It was a live show.
Did he read it? I let Tom read it. Tom and Anna read a lot. You read the name. I read the paper every morning.
Students read a lot. Default read access. The child can read. Does the teacher read aloud? He will read.
Call read() only. I want to sit and read. Whenever I read your letter I smile. Let the girl read "Emma".
Well, read it.
When I read, I rest. Did you ever read it? I'd read more. If I'd known, read it. Will they read it last?
His wound was deep. The wound around his neck healed. They wound each other.
Did he wound it? A head wound in the dark.
The cruel wound up there. Words wound. They wound up in jail.
A white dove flew by. The dove in the tree. Doves into the sun.
She will lead pencil sellers home. They lead a quiet life. He took the lead. A list of lead roles.
He is like lead singers.
Our lead and gold medals. We lead in sales. The lead is small. Those that lead paint fast. Lead the way.
She imports wine. All code that imports from it. The firm imports its oil. Japan imports oil.
They produce milk. Local farms produce it. Farm workers produce a lot. The produce was fresh.
The ticket is invalid. An invalid password was sent. An invalid, old pass.
Wait a minute. One minute changes all. The last-minute changes. This very minute. The minute hand moved.
Two were minute one.
A perfect day. Separate rooms. Perfect strangers. She presents well. He records. She conducts. She objects.
It winds.
""".replace("\n", " ")


def written(sentence: str) -> str:
    def restore(match: re.Match[str]) -> str:
        word = WRITTEN[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return RESPELLED.sub(restore, sentence)


@pytest.mark.parametrize("spoken", SENTENCES)
def test_respelled(spoken):
    assert respell(written(spoken)).replace("Mr ", "Mr. ").replace("Mrs ", "Mrs. ") == spoken


@pytest.mark.parametrize("sentence", re.findall(r"\S[^.?!]*[.?!](?= |$)", LEFT))
def test_left_as_written(sentence):
    assert respell(sentence) == sentence


def test_each_context_has_two_sentences():
    pattern = re.compile(ROWS[0][1])
    found = Counter(
        id(find_context(text, *match.span()))
        for text in map(written, SENTENCES)
        for match in pattern.finditer(text)
    )
    assert [context for context in CONTEXTS if found[id(context)] < 2] == []


def test_each_homograph_is_left_somewhere():
    words = set(re.findall(r"\w+", LEFT.lower()))
    assert set(HOMOGRAPHS) - words == set()
