"""Writes a page as lines for people: an element a line, with what matters of it, indented by what it stands in."""

import re
from html.parser import HTMLParser

VOID = ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
FOLDED = ("b", "bdi", "code", "strong", "em", "kbd")  # parts of the text they stand in
THROUGH = ("tbody", "html", "figure")  # leave their children where they themselves stand
LEFT_OUT = ("svg.icon", "svg.tl-defs", "svg.tl-sign", "meta", "link", "script", "option")
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
        return ".".join([self.tag, *(self.attributes.get("class") or "").split()])

    def __iter__(self):
        """The element and all that are in it, in the order of the page."""
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part

    @property
    def text(self):
        """All of its text in one line."""
        return " ".join("".join(_texts(self)).split())


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


def tree_of(text):
    return Tree(text).root


def lines(element, depth=0):
    """The whole element."""
    indent = " " * depth
    if element.kind in LEFT_OUT or element.tag in LEFT_OUT or _is_token(element):
        return
    if element.tag in ("pre", "textarea"):
        yield f"{indent}{_head(element)}"
        yield from (f"{indent} | {line}".rstrip() for line in "".join(_texts(element)).strip("\n").splitlines())
        return
    if element.tag == "thead":
        yield f"{indent}columns | {' · '.join(each.text or '?' for each in element if each.tag == 'th')}"
        return
    if element.tag == "select":
        yield f"{indent}{_head(element)} | {' / '.join(map(_option, _options(element)))}"
        return
    pieces = list(_pieces(element))
    if not element.tag or element.tag in THROUGH:
        yield from _all(pieces, depth)
    elif len(pieces) == 1 and isinstance(pieces[0], str):
        yield f"{indent}{_head(element)} | {pieces[0]}"
    else:
        yield f"{indent}{_head(element)}"
        yield from _all(pieces, depth + 1)


def brief(element):
    """What differs between the variations of a page: what it says, its rows in a line each, what its forms hold."""
    for each in element:
        classes = (each.attributes.get("class") or "").split()
        if each.tag == "h1" or {"problem", "note", "empty", "bad-card"} & set(classes):
            yield f"{each.kind} | {each.text}"
        elif each.tag == "tr" and any(part.tag == "td" for part in each):
            yield f"row | {each.text}"
        elif each.tag == "a" and ("aria-current" in each.attributes or "rel" in each.attributes):
            yield _said(each)
        elif each.tag in ("input", "textarea") and not _is_token(each):
            yield from _held(each)
        elif each.tag == "select":
            yield from (f"{each.attributes['name']} = {option.text}" for option in _options(each) if _is_on(option))


def _held(field):
    """What a field of a form holds, if it is filled in, and that it is refused."""
    name, kind = field.attributes.get("name"), field.attributes.get("type")
    value = "".join(_texts(field)).strip("\n") if field.tag == "textarea" else field.attributes.get("value") or ""
    refused = " (refused)" if "aria-invalid" in field.attributes or "aria-describedby" in field.attributes else ""
    if kind in ("checkbox", "radio"):
        shown = "checked" in field.attributes
        value = f"{value}, checked"
    else:
        shown = value or refused
    if shown:
        first, *others = value.splitlines() or [""]
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


def _is_folded(element):
    if element.tag == "time":
        return True
    return (element.tag in FOLDED or element.tag == "span") and not element.attributes and _is_flat(element)


def _is_flat(element):
    return all(isinstance(part, str) or _is_folded(part) for part in element.parts)


def _texts(element):
    if element.tag == "time":
        yield _instant(element)
        return
    for part in element.parts:
        if isinstance(part, str):
            yield part
        else:
            yield from _texts(part)


def _instant(element):
    """`<09:00:00.5 "3 min ago">`: the instant for machines, and what people read. Its tooltip says the same instant."""
    instant, text = element.attributes.get("datetime") or "", "".join(map(str, element.parts))
    exact = f"{instant[:-1].replace('T', ' ')} UTC" if instant else ""
    tooltip = element.attributes.get("title")
    other = "" if tooltip == exact else f" but {tooltip}"
    return f"<{instant}{other} {text}>"


def _head(element):
    said = []
    for name, value in element.attributes.items():
        if name not in UNSAID and name != "class":
            said.append(name if value is None else f'{name}="{value}"')
    return " ".join([element.kind, *said, *(["with-token"] if _has_token(element) else [])])


def _said(element):
    return f"{_head(element)} | {element.text}"


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


def squeezed(text):
    """The text without the blanks at the ends of its lines."""
    return re.sub(r" +$", "", text, flags=re.MULTILINE)
