"""The tools everybody tries first: weather, arithmetic, time, tables, search, mail, conversion.

Each kind is a function from a generator to a `Request`; their names and parameters vary too.
"""

import random
from collections.abc import Callable

from . import names
from .conversation import Call
from .texts import choose
from .tools import Request, Signature, invented, styled


def _pick(rng: random.Random, block: str) -> str:
    return choose(block, rng)


def _name(rng: random.Random, options: str) -> str:
    if rng.random() < 0.12:
        return names.syllables(rng, 2)
    return styled(_pick(rng, options).split(), rng)


def weather(rng: random.Random) -> Request:
    """Ask for the weather in one town, sometimes in two, sometimes with a unit."""
    quantity = _pick(rng, "weather|weather|temperature|forecast")
    name = _name(
        rng, f"get {quantity}|get current {quantity}|{quantity}|fetch {quantity}|current {quantity}"
    )
    key = _pick(rng, "city|city|location|place|town")
    types, required = {key: "string"}, [key]
    unit = ""
    if rng.random() < 0.35:
        types[_pick(rng, "unit|format|units")] = "string"
        unit = _pick(rng, "celsius|fahrenheit||")
    cities = [names.place(rng) for _ in range(2 if rng.random() < 0.12 else 1)]
    where = " and ".join(cities)
    sentence = _pick(
        rng,
        f"What is the {quantity} in {where}?|What's the {quantity} in {where}?|"
        f"How is the {quantity} in {where}|what is the {quantity} in {where} today?|"
        f"{quantity} in {where}|"
        f"Tell me the {quantity} for {where}|What is the {quantity} like in {where}?|"
        f"{where} {quantity}|"
        f"What {quantity} does {where} have?|Is it warm in {where}?|Will it rain in {where}?|"
        f"I'm travelling to {where}, what's the {quantity}?|"
        f"Please get the current {quantity} of {where}.",
    )
    arguments = [{key: city} for city in cities]
    if unit:
        sentence = sentence.rstrip("?.") + f" in {unit}" + _pick(rng, "?||.")
        arguments = [one | {list(types)[1]: unit} for one in arguments]
    elif len(types) > 1 and rng.random() < 0.3:
        required = [key]
    description = _pick(
        rng,
        f"Get the {quantity} for a {key}|Get the current {quantity}|"
        f"Get the current {quantity} for a {key}|Returns the {quantity} of a {key}.|"
        f"Look up the {quantity}",
    )
    results = [
        _pick(
            rng,
            f"{rng.randint(-10, 38)} °C|{rng.randint(-10, 38)} degrees|sunny|cloudy|light rain|"
            f"{rng.randint(0, 35)} degrees and sunny|{rng.randint(0, 35)}°C, cloudy|"
            f"{rng.randint(-9, 35)}|"
            f'{{"temperature": {rng.randint(0, 35)}}}',
        )
        for _ in cities
    ]
    reply = " ".join(f"The {quantity} in {c} is: {r}" for c, r in zip(cities, results, strict=True))
    tool = Signature(name, description, types, required).tool(rng)
    return Request(
        tool,
        sentence,
        tuple(Call(name, one) for one in arguments),
        tuple(results),
        reply,
        "weather",
    )


def arithmetic(rng: random.Random) -> Request:
    """Ask for a sum, difference, product or quotient of two numbers."""
    verb, sign, noun, saying = rng.choice((
        ("add", "+", "sum", "plus"), ("multiply", "*", "product", "times"),
        ("subtract", "-", "difference", "minus"), ("divide", "/", "quotient", "divided by"),
    ))  # fmt: skip
    a, b = names.number(rng), names.number(rng)
    name = _name(rng, f"{verb}|{verb} two numbers|{verb} numbers|compute {noun}|calculate {noun}")
    first, second = rng.choice(
        (("a", "b"), ("a", "b"), ("x", "y"), ("first", "second"), ("m", "n"))
    )
    kind = (
        "integer" if isinstance(a, int) and isinstance(b, int) and rng.random() < 0.6 else "number"
    )
    sentence = _pick(
        rng,
        f"What is {a} {saying} {b}?|What is {a} {sign} {b}?|{a} {sign} {b}|"
        f"Calculate {a} {saying} {b}.|how much is {a} {saying} {b}|compute {a} {sign} {b}|"
        f"what's {a} {saying} {b}?|Please compute the {noun} of {a} and {b}.|"
        f"What is the {noun} of {a} and {b}?",
    )
    description = _pick(
        rng,
        f"{verb.capitalize()} two numbers|Return the {noun} of two numbers.|"
        f"Compute the {noun}|{verb.capitalize()}s {first} and {second}",
    )
    result = str(names.number(rng))
    tool = Signature(name, description, {first: kind, second: kind}).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, {first: a, second: b}),),
        (result,),
        f"The {noun} is: {result}",
        f"arithmetic {verb}",
    )


def calculator(rng: random.Random) -> Request:
    """Ask for the value of an expression."""
    expression = f"{rng.randint(1, 999)} {rng.choice('+-*/')} {rng.randint(1, 999)}"
    if rng.random() < 0.3:
        expression += f" {rng.choice('+-*/')} {rng.randint(1, 99)}"
    name = _name(rng, "calculator|calculate|evaluate|compute|evaluate expression|math")
    key = _pick(rng, "expression|expression|formula|input")
    sentence = _pick(
        rng,
        f"What is {expression}?|Calculate {expression}|compute {expression}.|{expression}|"
        f"how much is {expression}?|Please evaluate {expression}|{expression} = ?",
    )
    description = _pick(
        rng, "Evaluate an arithmetic expression|Calculate a formula.|A calculator|Does arithmetic"
    )
    result = str(names.number(rng))
    tool = Signature(name, description, {key: "string"}).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, {key: expression}),),
        (result,),
        f"The result is: {result}",
        "arithmetic",
    )


def column(rng: random.Random) -> Request:
    """Ask for a figure of a DataFrame's column."""
    verb, spoken = rng.choice((
        ("mean", "mean"), ("average", "average"), ("sum", "sum"), ("max", "largest value"),
        ("min", "smallest value"), ("median", "median"), ("count", "number of values"),
        ("std", "standard deviation"), ("unique", "distinct values"), ("plot", "plot"),
        ("describe", "summary"), ("histogram", "histogram"),
    ))  # fmt: skip
    name = _name(rng, f"column {verb}|{verb} of column|{verb} column|df {verb}|get {verb}|{verb}")
    key = _pick(rng, "column|column|col|name|column_name|field")
    which = names.identifier(rng)
    sentence = _pick(
        rng,
        f"What is the {spoken} of {which}?|What is the {spoken} of the column {which}?|"
        f"Show me the {spoken} of {which}.|{spoken} of {which}|"
        f"Compute the {spoken} of the {which} column|"
        f"Give me the {spoken} of column '{which}'.|"
        f"What's the {spoken} of {which} in my DataFrame?",
    )
    description = _pick(
        rng,
        f"Return the {spoken} of a column|Compute the {spoken} of a DataFrame column.|"
        f"The {spoken} of one column",
    )
    result = str(names.number(rng))
    tool = Signature(name, description, {key: "string"}).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, {key: which}),),
        (result,),
        f"The {spoken} of {which} is: {result}",
        f"column {'mean' if verb == 'average' else verb}",
    )


def table(rng: random.Random) -> Request:
    """Ask something about a table: its rows, its columns, a filter."""
    which, col, value = names.identifier(rng), names.identifier(rng), names.word(rng)
    kind = rng.randrange(4)
    if kind == 0:
        name, description = (
            _name(rng, "count rows|row count|number of rows"),
            "Count the rows of a table",
        )
        types, arguments = {"table": "string"}, {"table": which}
        sentence = _pick(
            rng,
            f"How many rows does {which} have?|count the rows of {which}|"
            f"How many rows are in the table {which}?|number of rows in {which}",
        )
    elif kind == 1:
        name, description = (
            _name(rng, "list columns|get columns|column names"),
            "List the columns of a table",
        )
        types, arguments = {"table": "string"}, {"table": which}
        sentence = _pick(
            rng,
            f"Which columns does {which} have?|list the columns of {which}|"
            f"What are the columns of {which}?|Show the column names of {which}.",
        )
    elif kind == 2:
        name, description = (
            _name(rng, "filter rows|filter table|select rows"),
            "Filter rows by a column's value",
        )
        types, arguments = {"column": "string", "value": "string"}, {"column": col, "value": value}
        sentence = _pick(
            rng,
            f"Show the rows where {col} is {value}.|filter rows with {col} equal to {value}|"
            f"Which rows have {col} {value}?|Select all rows where {col} = {value}",
        )
    else:
        name, description = _name(rng, "list tables|show tables|get tables"), "List all tables"
        types, arguments = {}, {}
        sentence = _pick(
            rng,
            "Which tables are there?|list all tables|What tables do we have?|Show me the tables.",
        )
    result = (
        str(rng.randint(0, 999))
        if kind == 0
        else f"{names.identifier(rng)}, {names.identifier(rng)}"
    )
    tool = Signature(name, description, types).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, arguments),),
        (result,),
        f"The result of {name} is: {result}",
        f"table {kind}",
    )


def lookup(rng: random.Random) -> Request:
    """Ask for one thing about one named thing: time, price, population, a search."""
    noun, keys, value = rng.choice((
        ("time", "city|timezone|location", names.place(rng)),
        ("population", "city|country", names.place(rng)),
        ("stock price", "symbol|ticker|company", names.syllables(rng, 2).upper()[:4]),
        ("price", "product|item|name", names.word(rng)),
        ("definition", "word|term", names.word(rng)),
        ("phone number", "person|name", names.person(rng)),
        ("email", "person|name|user", names.person(rng)),
        ("age", "person|name", names.person(rng)), ("capital", "country", names.place(rng)),
        ("balance", "account|user", names.person(rng)), ("status", "order|job|id", names.word(rng)),
    ))  # fmt: skip
    key = _pick(rng, keys)
    name = _name(rng, f"get {noun}|find {noun}|lookup {noun}|{noun}|fetch {noun}")
    sentence = _pick(
        rng,
        f"What is the {noun} of {value}?|What's the {noun} of {value}?|{noun} of {value}|"
        f"Tell me the {noun} for {value}.|I need the {noun} of {value}|"
        f"Find the {noun} of {value}, please.|"
        f"what is the {noun} in {value}"
        if noun == "time"
        else f"What is the {noun} of {value}?|{noun} {value}|"
        f"Look up the {noun} of {value}.|Which {noun} does {value} have?|"
        f"Can you get the {noun} of {value}?",
    )
    description = _pick(
        rng, f"Get the {noun} of a {key}|Return the {noun}.|Find the {noun} for a {key}"
    )
    result = _pick(
        rng, f"{names.number(rng)}|{names.word(rng)}|{rng.randint(0, 23)}:{rng.randint(10, 59)}"
    )
    tool = Signature(name, description, {key: "string"}).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, {key: value}),),
        (result,),
        f"The {noun} of {value} is: {result}",
        f"lookup {noun}",
    )


def search(rng: random.Random) -> Request:
    """Search for some words, sometimes with a limit."""
    words = " ".join(names.word(rng) for _ in range(rng.randint(1, 3)))
    name = _name(rng, "search|web search|search web|search documents|find documents|query database")
    key = _pick(rng, "query|query|text|q|keywords")
    types, arguments = {key: "string"}, dict[str, object]({key: words})
    sentence = _pick(
        rng,
        f"Search for {words}.|search {words}|Find documents about {words}|"
        f'Look up {words} please.|Please search the web for {words}|Search for "{words}"',
    )
    if rng.random() < 0.3:
        limit = _pick(rng, "limit|max_results|top_k")
        types[limit] = "integer"
        if rng.random() < 0.6:
            arguments[limit] = rng.randint(1, 20)
            sentence = sentence.rstrip(".") + f", at most {arguments[limit]} results"
    description = _pick(rng, "Search the web|Search documents by words.|Full text search")
    result = " ".join(names.word(rng) for _ in range(3))
    tool = Signature(name, description, types, [key]).tool(rng)
    return Request(
        tool, sentence, (Call(name, arguments),), (result,), f"The search found: {result}", "search"
    )


def mail(rng: random.Random) -> Request:
    """Send a message to somebody."""
    who, text = names.person(rng), " ".join(names.word(rng) for _ in range(rng.randint(1, 3)))
    name = _name(rng, "send email|send message|send mail|notify|write message")
    to, body = _pick(rng, "to|recipient|person"), _pick(rng, "text|message|body|subject")
    sentence = _pick(
        rng,
        f"Send {who} the message {text}.|Send a message to {who}: {text}|"
        f'Write to {who}: {text}|Please tell {who} "{text}"|Send an email to {who} saying {text}',
    )
    description = _pick(rng, "Send a message to a person|Send an email.|Sends a message")
    tool = Signature(name, description, {to: "string", body: "string"}).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, {to: who, body: text}),),
        ("sent",),
        f"The message to {who} was sent.",
        "mail",
    )


def conversion(rng: random.Random) -> Request:
    """Convert an amount from one unit to another."""
    amount = abs(names.number(rng))
    units = (
        "euros dollars pounds yen francs|miles kilometers meters feet|kilograms pounds grams ounces"
    )
    source, target = rng.sample(rng.choice(units.split("|")).split(), 2)
    name = _name(rng, "convert|convert units|convert currency|unit converter|exchange")
    keys = rng.choice(
        (("amount", "from", "to"), ("value", "from_unit", "to_unit"), ("value", "source", "target"))
    )
    sentence = _pick(
        rng,
        f"Convert {amount} {source} to {target}.|How many {target} are {amount} {source}?|"
        f"What is {amount} {source} in {target}?|{amount} {source} in {target}|"
        f"change {amount} {source} to {target}",
    )
    description = _pick(
        rng, "Convert an amount between units|Converts units.|Convert from one unit to another"
    )
    result = f"{names.number(rng)}"
    types = {keys[0]: "number", keys[1]: "string", keys[2]: "string"}
    arguments = {keys[0]: amount, keys[1]: source, keys[2]: target}
    tool = Signature(name, description, types).tool(rng)
    return Request(
        tool,
        sentence,
        (Call(name, arguments),),
        (result,),
        f"{amount} {source} are {result} {target}.",
        "conversion",
    )


KINDS: tuple[Callable[[random.Random], Request], ...] = (
    weather, weather, arithmetic, arithmetic, calculator, column, table, lookup, lookup, search,
    mail, conversion,
)  # fmt: skip


def request(rng: random.Random, *, fresh: bool) -> Request:
    """Return a request: well-known or invented; `fresh` ones have reserved names."""
    if rng.random() < 0.5:
        return invented(rng, fresh=fresh)
    while True:
        made = rng.choice(KINDS)(rng)
        if names.reserved(made.calls[0].name) == fresh:
            return made
