"""listing: pages of names, and partial answers.

    page(bucket, query, settings, action)   what objects.list shows of a bucket
    project(value, fields)                  what fields= leaves of an answer

A page has at most 1000 items and prefixes together. A token says behind which name the next page
begins, so that it stays good whatever is written or deleted in between. A page may be empty and
still have a token: settings["empty_every"] makes every n-th one so.
"""
import base64
import binascii
import bisect
import re

from problem import Problem

PAGE_MAX = 1000
LAST = "\U0010ffff"  # no name has it: behind all names of a prefix


def glob_pattern(glob):
    """matchGlob as a regular expression: * ? [] within a folder, ** across them, {a,b}."""
    parts, at, depth = [], 0, 0
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**", at):
            parts.append(".*")
            at += 1
        elif char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "[" and (end := glob.find("]", at + 2)) > 0:
            inner = glob[at + 1:end].replace("\\", "\\\\")
            parts.append("[" + ("^" + inner[1:] if inner[0] in "!^" else inner) + "]")
            at = end
        elif char == "{":
            parts.append("(?:")
            depth += 1
        elif char == "}" and depth:
            parts.append(")")
            depth -= 1
        elif char == "," and depth:
            parts.append("|")
        else:
            parts.append(re.escape(char))
        at += 1
    if depth:
        raise Problem(400, message=f"Invalid glob: {glob}")
    return re.compile("(?s:" + "".join(parts) + r")\Z")


def make_token(after):
    """The token of the page behind a name or prefix."""
    return base64.urlsafe_b64encode(b"\n" + after.encode()).decode()


def read_token(token):
    """The name behind which the page begins."""
    try:
        text = base64.urlsafe_b64decode(token).decode()
        if not text.startswith("\n"):
            raise ValueError
        return text[1:]
    except (ValueError, binascii.Error) as error:
        raise Problem(400, message=f"Invalid value for: pageToken: {token}") from error


def read_page_max(query, settings, action):
    """How much a page may have."""
    text = query.get("maxResults", "")
    if text and not re.fullmatch(r"\d+", text):
        raise Problem(400, message=f"Invalid value for: maxResults: {text}")
    wanted = int(text) if text else PAGE_MAX
    limits = (wanted or PAGE_MAX, PAGE_MAX, settings["page_max"],
              action.get("page_max", PAGE_MAX))
    return max(1, min(limits))


class Walk:
    """Goes through the names of a bucket that a query wants."""

    def __init__(self, bucket, query):
        self.bucket = bucket
        self.prefix = query.get("prefix", "")
        self.delimiter = query.get("delimiter", "")
        self.has_trailing = query.get("includeTrailingDelimiter") == "true"
        self.begin = max(query.get("startOffset", ""), self.prefix)
        self.end = query.get("endOffset") or None
        self.glob = glob_pattern(query["matchGlob"]) if query.get("matchGlob") else None
        self.after = read_token(query["pageToken"]) if query.get("pageToken") else None

    def prefix_of(self, name):
        """The prefix that stands for `name`, or None."""
        if not self.delimiter:
            return None
        at = name.find(self.delimiter, len(self.prefix))
        return name[:at + len(self.delimiter)] if at >= 0 else None

    def steps(self):
        """(name or None, prefix or None), in order; what a page counts."""
        names = self.bucket.names
        at = bisect.bisect_left(names, self.begin)
        if self.after is not None:
            at = max(at, bisect.bisect_right(names, self._resume()))
        while at < len(names):
            name = names[at]
            if not name.startswith(self.prefix) or (self.end is not None and name >= self.end):
                return
            if self.glob and not self.glob.match(name):
                at += 1
                continue
            prefix = self.prefix_of(name)
            if prefix is None:
                yield name, None
                at += 1
            else:
                is_item = self.has_trailing and name == prefix
                yield (name if is_item else None), prefix
                at = bisect.bisect_right(names, prefix + LAST, at)

    def _resume(self):
        """The name behind which a page begins: behind a prefix, all its names."""
        is_prefix = self.delimiter and self.prefix_of(self.after) == self.after
        return self.after + LAST if is_prefix else self.after


def page(bucket, query, settings, action, number):
    """The page: items (Objects), prefixes and a token or None. `number` counts the lists."""
    walk = Walk(bucket, query)
    every = settings["empty_every"]
    limit = read_page_max(query, settings, action)
    is_empty = action.get("empty_page") or (every and number % every == 0)
    items, prefixes, last = [], [], None
    for name, prefix in walk.steps():
        if is_empty:
            return [], [], make_token(walk.after or "")
        count = len(items) + len(prefixes)
        if count and count + (name is not None) + (prefix is not None) > limit:
            return items, prefixes, make_token(last)
        if name is not None:
            items.append(bucket.objects[name])
        if prefix is not None:
            prefixes.append(prefix)
        last = prefix if prefix is not None else name
    return items, prefixes, None


def _parse_fields(text, at, depth):
    """The selection from `at` as {name: selection or None}; answers it and where it ends."""
    tree, here = {}, None
    for match in re.compile(r"[A-Za-z0-9_*-]+|[,/()]").finditer(text, at):
        token = match[0]
        if match.start() < at:
            continue
        if match.start() != at:
            raise Problem(400, message=f"Invalid field selection {text}")
        at = match.end()
        if token == ",":
            here = None
        elif token == "/":
            here = here or tree
        elif token == "(":
            if not isinstance(here, tuple):
                raise Problem(400, message=f"Invalid field selection {text}")
            inner, at = _parse_fields(text, at, depth + 1)
            here[0][here[1]] = inner
        elif token == ")":
            return tree, at
        else:
            here = _add(tree, here, token)
    if depth:
        raise Problem(400, message=f"Invalid field selection {text}")
    return tree, at


def _add(tree, here, token):
    """Enters a name below what stands before it, or at the top."""
    if here is None or here is tree:
        tree.setdefault(token, None)
        return tree, token
    parent, name = here
    if parent[name] is None:
        parent[name] = {}
    parent[name].setdefault(token, None)
    return parent[name], token


def _select(value, tree):
    if tree is None:
        return value
    if isinstance(value, list):
        return [_select(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    if "*" in tree:
        return {key: _select(one, tree["*"]) for key, one in value.items()}
    return {key: _select(value[key], tree[key]) for key in tree if key in value}


def project(value, text):
    """What fields= leaves of a value: "items(name,size),nextPageToken", "a/b", "*"."""
    if not text:
        return value
    tree, end = _parse_fields(text.replace(" ", ""), 0, 0)
    if end != len(text.replace(" ", "")):
        raise Problem(400, message=f"Invalid field selection {text}")
    return _select(value, tree)
