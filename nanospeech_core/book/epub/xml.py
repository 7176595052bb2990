"""XML by expat, without entities and external files: names lose their namespace."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat  # nosec B406  (entity declarations are refused below)

from ...errors import UserError

DEEPEST = 200


@dataclass
class Element:
    """An element: its name and its attributes' names without namespaces, its own text, its children."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def find(self, *names: str) -> Element | None:
        """The first descendant on this path of children; None: there is none."""
        element: Element | None = self
        for name in names:
            element = next(
                (child for child in (element.children if element else ()) if child.name == name), None
            )
        return element

    def all(self, name: str) -> list[Element]:
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def words(self) -> str:
        """All text inside, with single spaces."""
        return " ".join(" ".join([self.text, *(child.words() for child in self.children)]).split())


class _Refused(Exception):
    pass


def parse_xml(data: bytes, name: str) -> Element:
    """The root element.

    Args:
        data: a document, in an encoding that it declares.
        name: of the file, in messages.
    Raises:
        UserError: it is not well-formed, is nested too deep, or declares entities.
    """
    root = Element("", {})
    open_elements = [root]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > DEEPEST:
            raise _Refused("is nested too deep")
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        element = Element(tag.rpartition(" ")[2], plain)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def characters(text: str) -> None:
        open_elements[-1].text += text

    def entity(*_: object) -> None:
        raise _Refused("declares XML entities, which are not read")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = entity
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except _Refused as error:
        raise UserError(f"cannot read {name} {error}") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UserError(f"cannot read {name} is not well-formed XML ({error})") from error
    return root.children[0]
