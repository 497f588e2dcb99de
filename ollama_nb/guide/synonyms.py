"""Words a user may say for one another in a question about ollama_nb, and how to swap them.

Data and one function. A phrase on the left may be replaced by any on the right; the longest phrase
is tried first. Swaps go one way, so that "list" can become "show" without "show" becoming "list".
"""

import random
import re

_BOTH_WAYS = """
model | LLM | language model
models | LLMs | language models
notebook | Jupyter notebook | .ipynb
cell | notebook cell | code cell
pull | download | fetch | get
pulled | downloaded | fetched
pulling | downloading | fetching
delete | remove | erase | get rid of
deleted | removed | erased
deleting | removing
set the | configure the | specify the | choose the
set a | choose a | specify a
start | launch | begin
stop | halt | interrupt | abort | cancel
interrupt | abort | cancel
use | work with | employ
save | store | keep
saved | stored | kept
find | locate | look up
send | pass | give | hand
longer | more
faster | quicker
fast | quick | speedy
slow | sluggish
answer | reply | response
answers | replies | responses
prompt | input text
question | query
output | result
install | set up
settings | configuration | options
option | setting
picture | image | photo
pictures | images | photos
figure | plot | chart
function | Python function
functions | Python functions
folder | directory
disk | drive
path | location
several | many | multiple
multiple | many | more than one
error | failure | problem
fails | breaks | does not work
happens | occurs
allowed | permitted
possible | feasible
seed | random seed
reproducible | repeatable | deterministic
same | identical
random | different
conversation | chat | dialogue
talk | speak | chat
talk to | chat with | speak to | converse with
ask | query
remember | keep in mind | recall
memory | RAM
GPU | graphics card
computer | machine | PC
browser | web browser
internet | network | web
offline | without internet | without a network
version | release
check | verify | test
see | view | look at
loaded | in memory
running | active
update | upgrade | refresh
rename | change the name of
copy | duplicate | clone
upload | push | publish
embedding | vector
embeddings | vectors
document | text
documents | texts
column | DataFrame column
DataFrame | dataframe | pandas table | df
table | DataFrame
variable | Python variable
name | title
system prompt | system message
temperature | sampling temperature
context window | context length | context size
tokens per second | speed | throughput
tokens | token
terminal | shell | command line | console
server | Jupyter server
client | API client
library | package
environment variable | env var
turn off | disable | switch off
turn on | enable | switch on
thinking | reasoning
think | reason
structured output | JSON output
schema | JSON schema
tool | function tool
tools | function tools
let | allow
long | big
large | big | huge
small | little | tiny
license | licence
explain | describe
difference | distinction
between | among
compare | put side by side
run | execute
streaming | stream
everything | it all
currently | right now | at the moment | now
automatically | by itself
only | just
size | how big
quantize | compress
quantized | compressed
import | bring in
convert | turn
load | open
help | assistance
"""

_ONE_WAY = """
computer | laptop | desktop
machine | host
route | endpoint | URL | API path | HTTP call
routes | endpoints | URLs | API paths
over HTTP | with the API | through the API | over the REST API | via HTTP | by a request
over HTTP | with the HTTP API
in the terminal | in a terminal | on the command line | from the shell | in the shell | in bash
in the terminal | with a shell command | on the console | from a terminal
in Python | in code | in Python code | from Python | in a script | from a script | in my program
in Python | with Python code | programmatically
in a cell | in a notebook cell | from a cell | with a cell magic | in my cell
terminal | command prompt
shell command | terminal command | CLI command | console command
script | program | Python program
call | method | function call
method | function
reply | message back
text | string
texts | strings
piece | part | bit
pieces | parts
sentence | phrase
several | a few | a couple of
at once | at the same time | simultaneously | in parallel | together
parallel | concurrent | simultaneous
at the end | finally
at the beginning | at the start | first
by default | normally | usually | if I say nothing | out of the box
default | standard | preset
maximum | largest | upper limit of
minimum | smallest | lower limit of
limit | maximum | cap
value | setting
values | settings
meaning | sense | definition
purpose | point | use | role
reason | cause
cause | trigger
control | regulate | govern | steer
decide | determine
prevent | avoid | keep from
avoid | escape | get around
allow | permit | enable
allowed | permitted | accepted | supported | valid
supported | accepted | understood
refused | rejected | denied | not accepted
refuse | reject | deny
required | needed | necessary | mandatory
necessary | needed
need | have to have
missing | absent | not there
lost | gone
wrong | incorrect | bad
broken | damaged | corrupt | defective
damaged | broken | corrupted | faulty
repair | fix | mend
fix | solve | repair | get past | resolve
solve | fix
problem | trouble | issue
trouble | problems
crash | die | break down
kill | crash | bring down
safe | secure | harmless
secure | safe | protected
security | safety | protection
dangerous | risky | unsafe
private | confidential
free | release
release | free
keep | leave
kept | held | retained
remains | stays
stays | remains
gone | lost
drop | throw away | discard
dropped | discarded | thrown away | removed
discard | drop
shorten | cut | trim
shorter | briefer
cut off | truncated | incomplete
truncated | cut off
complete | whole | full
whole | entire | complete | full
finish | end | complete
ends | stops | finishes
end | stop | finish
begin | start
begins | starts
look at | inspect | examine | view
inspect | examine | look into
find out | learn | discover | see | determine
know | learn | find out
tell | say
tells | says | shows
show | reveal
reports | tells | shows
lists | shows | enumerates | returns
returns | gives | delivers
gives | returns
get | receive
receive | get | obtain
obtain | get
fetch | retrieve
share | make available
shared | common
publish | share | release
upload | send up | transfer
transfer | move | carry
move | relocate | shift
switch | change
switch off | turn off | disable | deactivate
switch on | turn on | enable | activate
activate | enable | turn on | switch on
deactivate | disable
disable | switch off | deactivate
wait | hang
waiting | queued
queue | waiting line
busy | occupied | overloaded
idle | unused
unused | unneeded | not needed
used | employed
measure | determine | time
speed | rate | pace
speed up | accelerate | make faster
quickly | fast | rapidly
time | duration | period
duration | length of time
seconds | s
minutes | min
count | number
number of | count of | amount of | how many
how many | what number of
how much | what amount of
how long | for how much time
how often | how many times
how big | how large | what size is
size | length
length | size
graphics card | GPU | video card
graphics cards | GPUs | video cards
CPU | processor
cores | processors
RAM | main memory
operating system | OS | platform
platform | operating system
laptop | notebook computer
people | users | persons
users | people | colleagues
user | person
everybody | everyone | all users
company | firm | corporate
password | secret
token | API token | access token
authenticate | log in | identify myself
permission | right | access
rights | permissions
header | HTTP header
body | payload | request body
field | key | parameter | member
fields | keys | parameters
parameter | option | setting
parameters | options | settings
request | call | query
requests | calls | queries
response | answer | reply
status | state
code | source code
example | sample | demo
examples | samples
instruction | directive | keyword
line | row
row | line | record
rows | lines | records
list | array
dictionary | dict
object | value
file | document
files | documents
weights | parameters | model file
model file | weights file
architecture | design | structure
structure | form | layout
form | shape | format
format | form
kind | type | sort
type | kind | sort
sort of | kind of | type of
kinds | types | sorts
recipe | Modelfile
Modelfile | model recipe | recipe file
custom | own | personal
personality | character | persona | role
role | persona
rules | instructions
prompt | instruction
prompts | inputs
history | earlier messages | previous turns | memory of the chat
earlier | previous | former | past
previous | earlier | last
follow-up | next
turn | message
turns | messages
message | turn
messages | turns
dialogue | conversation
reasoning | thoughts | chain of thought
thoughts | reasoning
creative | imaginative | varied
randomness | chance
repeat | say again
repeats | loops
probability | likelihood
probabilities | likelihoods
likely | probable
vector | embedding
vectors | embeddings
similar | alike | close
similarity | closeness
compare | contrast
meaning of a text | sense of a text
labels | categories | classes
classify | categorise | label
summarise | shorten | condense
picture | image | photo | figure
photo | picture
plot | chart | diagram | graph
chart | plot | graph
vision | sight | image input
side panel | sidebar
button | widget
website | web page | site
web page | website
browser | web page
download | transfer
downloads | transfers
registry | model server
catalogue | library | collection
namespace | user name
folder | directory | place
disk space | storage | space on disk
space | room
backup | safety copy
place | location | spot
where is | where do I find
where are | where do I find
which command | what command | what | which magic
command | magic | instruction
what happens | what is the effect
happen | occur
effect | result | consequence
why is | why's | for what reason is
why does | for what reason does
mean | signify | stand for | indicate
means | says | stands for
explain | describe | clarify
explanation | description
describe | explain | characterise
in simple words | in plain words | simply
short | brief
briefly | in short
quick | short
easy | simple
simple | easy | plain
simplest | easiest
best | ideal | recommended
recommended | suggested | best
recommend | suggest | propose | advise
suitable | good | right | appropriate
good | suitable | decent | fine
better | superior
clever | smart | intelligent
smart | clever
weak | slow | old
old | older | former
new | fresh
newest | latest | most recent
latest | newest
own | personal
other | another | different
another | a different | some other
different | another | other
remote | distant | other
local | on this machine
locally | on my machine
online | on the internet
company proxy | proxy
built-in | embedded | bundled
embedded | built-in
extension | package | plugin
package | library | extension
plugin | extension
tutorial | guide | introduction | lesson
tutorials | lessons
learn | study
test | try | check
tests | checks
validate | check | verify
verify | validate | check
automatically | on its own
manually | by hand
forever | permanently | without end
permanently | for good
sure | certain
maybe | perhaps
understand | get | comprehend
work | function
works | functions
working | functioning
create | make | build | define
unload | free | evict
list | show | see | display | print | view | enumerate
limit | restrict | cap
change | modify | alter | adjust
show | display | see | view | print | look at | inspect
which | what
display | show | print
see | view | look at | show
what are | which are
get | obtain
push | upload | publish | share
unload | remove from memory | drop from memory
every | each
all | all the | all of the
my | the | our
a model | my model | the model | some model
the model | a model | my model | this model
need | require
does | will
cannot | can not | can't
do not | don't
is not | isn't
does not | doesn't
what is | what's
"""


def swap(text: str, rng: random.Random, *, rate: float) -> str:
    """Replace some phrases of a text by synonyms, each with the given probability."""

    def chosen(match: re.Match[str]) -> str:
        phrase = match.group()
        if rng.random() >= rate:
            return phrase
        return rng.choice(_TABLE[phrase.lower()])

    return _PATTERN.sub(chosen, text)


def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = {}
    for line in _BOTH_WAYS.strip().splitlines():
        group = [phrase.strip() for phrase in line.split("|")]
        for phrase in group:
            known = table.setdefault(phrase.lower(), [])
            known += [other for other in group if other != phrase and other not in known]
    for line in _ONE_WAY.strip().splitlines():
        first, *rest = [phrase.strip() for phrase in line.split("|")]
        known = table.setdefault(first.lower(), [])
        known += [other for other in rest if other not in known]
    return table


_TABLE = _table()
_PHRASES = "|".join(re.escape(phrase) for phrase in sorted(_TABLE, key=len, reverse=True))
_PATTERN = re.compile(rf"(?<![\w%./-])(?:{_PHRASES})(?![\w/-])", re.IGNORECASE)
