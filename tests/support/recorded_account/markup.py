"""Writes a page as lines for people: an element a line, with what matters of it, indented by what it stands in."""

from functools import lru_cache
from html.parser import HTMLParser

VOID = ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
FOLDED = ("b", "bdi", "code", "strong", "em", "kbd")  # parts of the text they stand in
IN_ONE_LINE = {"thead", "select", "nav.tabs"}
THROUGH = ("tbody", "html", "figure", "div.scroll", "div.page")  # leave their children where they themselves stand
LEFT_OUT = ("svg.icon", "svg.tl-defs", "svg.tl-sign", "meta", "link", "script", "option")
LOOKS = {"nowrap", "wide", "right", "spare", "muted", "small", "narrow-only", "under", "grow", "row", "pair"}
ZONE = "span data-zone"  # whose text becomes the name of the reader's zone
FOOTER = "Times are in [UTC]."
SAYING = {"problem", "note", "empty", "bad-card"}
FEW = 4
WHOLE_ROWS = 12  # of a table; of the others what people read
LONGEST = 120  # of a value of a form
UNSAID = (
    *("autocomplete", "spellcheck", "viewbox", "preserveaspectratio", "aria-hidden", "tabindex", "size", "inputmode"),
    *("scope", "rx", "rows", "aria-live", "aria-labelledby"),
)


class Element:
    """A tag with its attributes and what is in it: elements and texts."""

    def __init__(self, tag="", attributes=()):
        self.tag, self.attributes, self.parts = tag, dict(attributes), []

    @property
    def kind(self):
        """The tag with its classes, as a selector spells them."""
        return ".".join([self.tag, *self.classes])

    @property
    def classes(self):
        """Its classes, but for those that only say how it looks."""
        return [each for each in (self.attributes.get("class") or "").split() if each not in LOOKS]

    @property
    def elements(self):
        """The elements right in it."""
        return [part for part in self.parts if isinstance(part, Element)]

    def __iter__(self):
        """The element and all that are in it, in the order of the page."""
        yield self
        for part in self.elements:
            yield from part

    @property
    def text(self):
        """All of its text in one line."""
        return " ".join("".join(_texts(self)).split())

    @property
    def words(self):
        """The same without the instants that stand behind its times."""
        return " ".join("".join(_texts(self, _time_in_words)).split())


class Tree(HTMLParser):
    """Reads a page or a part of it."""

    def __init__(self, text):
        super().__init__()
        self.root = Element()
        self._open = [self.root]
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = Element(tag, attributes)
        self._open[-1].parts.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attributes):
        self._open[-1].parts.append(Element(tag, attributes))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open[-1].tag == tag, f"{self._open[-1].kind} is closed by {tag}"
            self._open.pop()

    def handle_data(self, data):
        self._open[-1].parts.append(data)

    def updatepos(self, _, end):
        """Count no lines: nobody asks where a tag stands."""
        return end


@lru_cache(maxsize=2)
def tree_of(text):
    """The elements of a page or of a part of one. Not to be changed."""
    return Tree(text).root


def lines(element, depth=0):
    """The whole element."""
    indent = " " * depth
    if _is_left_out(element):
        return
    if element.tag in ("pre", "textarea"):
        yield f"{indent}{_head(element)}"
        yield from (f"{indent} | {line}".rstrip() for line in "".join(_texts(element)).strip("\n").splitlines())
    elif {element.tag, element.kind} & IN_ONE_LINE or _is_plain_row(element) or _is_mark(element):
        yield f"{indent}{_in_one_line(element)}"
    elif element.tag == "tbody":
        yield from _all(element.elements[:WHOLE_ROWS], depth)
        yield from (f"{indent}row | {_row_in_words(row)}" for row in element.elements[WHOLE_ROWS:])
    else:
        yield from _nested(element, list(_pieces(element)), depth)


def _nested(element, pieces, depth):
    indent = " " * depth
    if not element.tag or element.tag in THROUGH or element.kind in THROUGH or _is_bare(element):
        yield from _all(pieces, depth)
    elif len(pieces) == 1 and isinstance(pieces[0], str):
        yield f"{indent}{_head(element)} | {pieces[0]}"
    else:
        yield f"{indent}{_head(element)}"
        yield from _all(pieces, depth + 1)


def _is_bare(element):
    """Whether it is there for its looks alone."""
    return element.tag in ("div", "section", "g") and _head(element) == element.tag


def _is_left_out(element):
    if element.tag == "p" and element.text == FOOTER:
        return True
    return element.kind in LEFT_OUT or element.tag in LEFT_OUT or _is_token(element)


def _in_one_line(element):
    if element.tag == "thead":
        return f"columns | {' · '.join(each.text or '?' for each in element if each.tag == 'th')}"
    if element.tag == "select":
        return f"{_head(element)} | {' / '.join(map(_option, _options(element)))}"
    if element.kind == "nav.tabs":
        tabs = [f"[{each.text}]" if "aria-current" in each.attributes else each.text for each in element.elements]
        return f"{_head(element)} | {' · '.join(tabs)}"
    if element.tag == "a":
        shape, title = element.elements
        return f"{_head(element)} {_head(shape)} | {title.text}"
    return f"tr | {' · '.join(cell.text for cell in element.elements)}"


def _row_in_words(row):
    return " · ".join(cell.words for cell in row.elements)


def _is_mark(element):
    """Whether it is a mark of a picture: a link that holds a shape and its title."""
    return element.tag == "a" and [each.tag for each in element.elements][1:] == ["title"]


def _is_plain_row(element):
    return element.tag == "tr" and all(_is_plain(part) for part in element.elements)


def chosen(*kinds):
    """What notes the elements of these kinds alone: a tag with classes, `.` and a class, `#` and an id, or `@` and the
    id of what is its label."""

    def parts(element, depth=0):
        if _is_of(element, kinds):
            yield from lines(element, depth)
            return
        for part in element.elements:
            yield from parts(part, depth)

    return parts


def anywhere(*kinds):
    """The same, also outside of the content of a page."""
    parts = chosen(*kinds)
    parts.is_of_whole_page = True
    return parts


def attributes_of_page(root):
    """The element that holds the page."""
    yield from (_head(each) for each in root if each.tag in ("html", "body"))


attributes_of_page.is_of_whole_page = True


def _is_of(element, kinds):
    marks = {"#": element.attributes.get("id"), "@": element.attributes.get("aria-labelledby")}
    names = {
        element.tag,
        element.kind,
        *(f".{each}" for each in element.classes),
        *(f"{mark}{marks[mark]}" for mark in marks),
    }
    return not names.isdisjoint(kinds)


def brief(element):
    """What differs between the variations of a page: what it says, its rows in a line each, what its forms hold."""
    for each in element.elements:
        if each.tag == "tr":
            yield from [f"row | {_row_in_words(each)}"] if each.elements[-1].tag == "td" else []
            continue
        yield from _in_brief(each)
        yield from brief(each)


def _in_brief(element):
    if element.tag == "h1" or not SAYING.isdisjoint(element.classes):
        yield f"{element.kind} | {element.words}"
    elif element.tag == "a" and (element.attributes.get("aria-current") == "true" or "rel" in element.attributes):
        yield f"{_head(element)} | {element.text}"
    elif element.tag in ("input", "textarea") and not _is_token(element):
        yield from _held(element)
    elif element.tag == "select":
        yield from (f"{element.attributes['name']} = {option.text}" for option in element.elements if _is_on(option))


def few(element):
    """The same with the first rows alone."""
    rows = 0
    for line in brief(element):
        rows += line.startswith("row | ")
        if not line.startswith("row | ") or rows <= FEW:
            yield line
    yield f"{rows} rows"


def said(*kinds):
    """What notes nothing but the text of the elements of these kinds."""
    return lambda element: [f"{each.kind} | {each.words}" for each in element if _is_of(each, kinds)]


def heads(*kinds):
    """What notes the elements of these kinds without what is in them."""
    return lambda element: [_head(each) for each in element if _is_of(each, kinds)]


def shortened(text):
    """A long text, with how long it is."""
    return text if len(text) <= LONGEST or "\n" in text else f"{text[:LONGEST]}… {len(text)} characters"


def _held(field):
    """What a field of a form holds, if it is filled in, and that it is refused."""
    name, kind = field.attributes.get("name"), field.attributes.get("type")
    value = "".join(_texts(field)).strip("\n") if field.tag == "textarea" else field.attributes.get("value") or ""
    described = field.attributes.get("aria-describedby") or ""
    refused = " (refused)" if "aria-invalid" in field.attributes or "problem" in described else ""
    if kind in ("checkbox", "radio"):
        shown = "checked" in field.attributes
        value = f"{value}, checked"
    else:
        shown = value or refused
    if shown and (name, value) != ("zone", "UTC"):
        first, *others = shortened(value).splitlines() or [""]
        yield f"{name} = {first}{refused}"
        yield from (f" | {line}" for line in others)


def _all(pieces, depth):
    for piece in pieces:
        if isinstance(piece, str):
            yield f"{' ' * depth}| {piece}"
        else:
            yield from lines(piece, depth)


def _pieces(element):
    """The children, with neighboring texts and what is folded into them as one text each."""
    texts = []
    for part in element.parts:
        if isinstance(part, str) or _is_folded(part):
            texts.append(part if isinstance(part, str) else "".join(_texts(part)))
            continue
        if text := " ".join("".join(texts).split()):
            yield text
        texts = []
        yield part
    if text := " ".join("".join(texts).split()):
        yield text


def _is_plain(cell):
    """Whether there is nothing but text in a cell of a table."""
    return all(isinstance(part, str) or _is_folded(part) for part in cell.parts) and set(cell.attributes) <= {
        "class",
        "scope",
    }


def _is_folded(element):
    if element.tag == "time":
        return True
    return element.tag in (*FOLDED, "span") and _head(element) in (element.tag, ZONE) and _is_flat(element)


def _is_flat(element):
    return all(isinstance(part, str) or _is_folded(part) for part in element.parts)


def _texts(element, time=None):
    if element.tag == "time":
        yield (time or _instant)(element)
        return
    if element.tag == "span" and "data-zone" in element.attributes:
        yield f"[{''.join(map(str, element.parts))}]"
        return
    for part in element.parts:
        if isinstance(part, str):
            yield part
        else:
            yield from _texts(part, time)


def _time_in_words(element):
    return "".join(map(str, element.parts))


def _instant(element):
    """`<2026-01-01 09:00:00.000000, 3 min ago>`: the instant, and what people read. The attributes say the same."""
    instant, text = element.attributes.get("datetime") or "", "".join(map(str, element.parts))
    exact = instant[:-1].replace("T", " ")
    other = "" if element.attributes.get("title") == f"{exact} UTC" else f", titled {element.attributes.get('title')}"
    return f"<{exact}{other}{'' if text == f'{exact[:19]} UTC' else f', {text}'}>"


def _head(element):
    said = []
    for name, value in element.attributes.items():
        if name not in UNSAID and name != "class":
            said.append(name if value is None else f'{name}="{value}"')
    return " ".join([element.kind, *said, *(["with-token"] if _has_token(element) else [])])


def _has_token(element):
    return element.tag == "form" and any(_is_token(each) for each in element)


def _is_token(element):
    return element.tag == "input" and element.attributes.get("name") == "csrf"


def _options(element):
    return [each for each in element if each.tag == "option"]


def _option(option):
    value = option.attributes.get("value")
    text = option.text if value in (None, option.text) else f"{option.text}={value}"
    return f"[{text}]" if _is_on(option) else text


def _is_on(option):
    return "selected" in option.attributes
