"""Lists: order, pages, prefixes, globs, fields."""
import json
import urllib.parse

from case import Case, path_of


class Listing(Case):
    def fill(self, *names):
        for name in names:
            self.put(name, b"x")

    def page(self, **query):
        answer = self.ask("GET", "/storage/v1/b/bkt/o?" + urllib.parse.urlencode(query))
        self.assertEqual(200, answer.status, answer.body)
        return answer.json()

    def all(self, **query):
        """Names and prefixes of all pages, in order, and how many pages there were."""
        names, count = [], 0
        while True:
            page = self.page(**query)
            count += 1
            names += [one["name"] for one in page.get("items", [])] + page.get("prefixes", [])
            if "nextPageToken" not in page:
                return names, count
            query["pageToken"] = page["nextPageToken"]

    def names(self, **query):
        return self.all(**query)[0]


class Order(Listing):
    def test_names_come_in_the_order_of_their_bytes(self):
        names = ["b", "a", "B", "é", "漢", "\U0001f600", "\uffee", "a/", "a b"]
        self.fill(*names)
        self.assertEqual(sorted(names, key=lambda name: name.encode()), self.names())

    def test_an_empty_list_has_no_items_at_all(self):
        self.assertEqual({"kind": "storage#objects"}, self.page())

    def test_an_item_is_what_get_answers(self):
        self.fill("a")
        self.assertEqual([self.ask("GET", path_of("a")).json()], self.page()["items"])

    def test_a_deleted_name_is_gone_at_once_and_a_new_one_there(self):
        self.fill("a", "b")
        self.ask("DELETE", path_of("a"))
        self.fill("c")
        self.assertEqual(["b", "c"], self.names())


class Selection(Listing):
    def setUp(self):
        super().setUp()
        self.fill("a/1", "a/2", "a/b/3", "ab", "b/1", "c", "c/", "c/4")

    def test_prefix(self):
        self.assertEqual(["a/1", "a/2", "a/b/3"], self.names(prefix="a/"))
        self.assertEqual([], self.names(prefix="x"))

    def test_delimiter_folds_what_is_behind_it(self):
        page = self.page(delimiter="/")
        self.assertEqual((["ab", "c"], ["a/", "b/", "c/"]),
                         ([one["name"] for one in page["items"]], page["prefixes"]))

    def test_delimiter_behind_a_prefix(self):
        page = self.page(delimiter="/", prefix="a/")
        self.assertEqual((["a/1", "a/2"], ["a/b/"]),
                         ([one["name"] for one in page["items"]], page["prefixes"]))

    def test_a_delimiter_may_be_several_characters(self):
        page = self.page(delimiter="/b/")
        self.assertEqual((["a/1", "a/2", "ab", "b/1", "c", "c/", "c/4"], ["a/b/"]),
                         ([one["name"] for one in page["items"]], page["prefixes"]))

    def test_the_name_that_is_the_prefix_is_an_item_if_asked_for(self):
        page = self.page(delimiter="/", includeTrailingDelimiter="true")
        self.assertEqual(["ab", "c", "c/"], [one["name"] for one in page["items"]])

    def test_start_offset_is_in_end_offset_is_out(self):
        self.assertEqual(["a/2", "a/b/3", "ab"], self.names(startOffset="a/2", endOffset="b/1"))

    def test_globs(self):
        for glob, wanted in (("a/*", ["a/1", "a/2"]), ("a/**", ["a/1", "a/2", "a/b/3"]),
                             ("**", ["a/1", "a/2", "a/b/3", "ab", "b/1", "c", "c/", "c/4"]),
                             ("?b", ["ab"]), ("[ab]/1", ["a/1", "b/1"]),
                             ("[!a]/[0-9]", ["b/1", "c/4"]), ("{c,a/1}", ["a/1", "c"]),
                             ("**/{3,4}", ["a/b/3", "c/4"]), ("a.1", [])):
            self.assertEqual(wanted, self.names(matchGlob=glob), glob)

    def test_a_glob_that_does_not_end_is_400(self):
        self.assertEqual(400, self.ask("GET", "/storage/v1/b/bkt/o?matchGlob=%7Ba").status)

    def test_fields_choose_within_items(self):
        page = self.page(prefix="a/1", fields="items(name,metadata/k),nextPageToken")
        self.assertEqual({"items": [{"name": "a/1"}]}, page)
        page = self.page(maxResults=1, fields="nextPageToken,items/size")
        self.assertEqual({"nextPageToken", "items"}, set(page))
        self.assertEqual([{"size": "1"}], page["items"])
        self.assertEqual({"prefixes": ["a/", "b/", "c/"]},
                         self.page(delimiter="/", fields="prefixes"))

    def test_media_link_is_there_under_fields(self):
        page = self.page(fields="items(mediaLink)", maxResults=1)
        self.assertIn("/download/storage/v1/b/bkt/o/a%2F1?", page["items"][0]["mediaLink"])


class Paging(Listing):
    def test_max_results_counts_items_and_prefixes_together(self):
        self.fill("a/1", "b", "c/1", "d", "e")
        sizes = []
        query = {"delimiter": "/", "maxResults": 2}
        while True:
            page = self.page(**query)
            sizes.append((len(page.get("items", [])), len(page.get("prefixes", []))))
            if "nextPageToken" not in page:
                break
            query["pageToken"] = page["nextPageToken"]
        self.assertEqual([(1, 1), (1, 1), (1, 0)], sizes)

    def test_every_page_size_answers_each_name_once(self):
        names = [f"n{number:02}/{number % 3}" for number in range(20)]
        self.fill(*names)
        for size in (1, 2, 3, 7, 19, 20, 21):
            for delimiter in ("", "/"):
                wanted = names if not delimiter else [name[:4] for name in names]
                self.assertEqual(wanted, self.names(maxResults=size, delimiter=delimiter))

    def test_a_page_has_1000_whatever_is_asked_for(self):
        with self.state.store.lock:
            for number in range(1001):
                blob = self.state.store.new_blob()
                self.state.store.commit("bkt", f"n{number:04}", blob, {}, _NoConditions())
        for query in ({}, {"maxResults": 5000}, {"maxResults": 0}):
            page = self.page(**query)
            self.assertEqual(1000, len(page["items"]))
            self.assertIn("nextPageToken", page)
        self.assertEqual((1001, 2), (len(self.names()), self.all()[1]))

    def test_the_last_page_has_no_token_even_when_it_is_full(self):
        self.fill("a", "b")
        self.assertNotIn("nextPageToken", self.page(maxResults=2))

    def test_a_page_may_be_empty_and_still_have_a_token(self):
        self.control("settings", {"empty_every": 2})
        self.fill("a", "b", "c")
        names, count = self.all(maxResults=1)
        self.assertEqual((["a", "b", "c"], 5), (names, count))

    def test_a_token_stays_good_when_its_name_is_deleted(self):
        self.fill("a", "b", "c")
        token = self.page(maxResults=1)["nextPageToken"]
        self.ask("DELETE", path_of("a"))
        self.ask("DELETE", path_of("b"))
        self.assertEqual(["c"], self.names(pageToken=token))

    def test_a_token_nobody_gave_is_400(self):
        for token in ("x", "AAAA", "%%"):
            query = urllib.parse.urlencode({"pageToken": token})
            self.assertEqual(400, self.ask("GET", "/storage/v1/b/bkt/o?" + query).status, token)

    def test_max_results_that_is_no_number_is_400(self):
        self.assertEqual(400, self.ask("GET", "/storage/v1/b/bkt/o?maxResults=x").status)

    def test_pages_can_be_made_small(self):
        self.control("settings", {"page_max": 2})
        self.fill("a", "b", "c")
        self.assertEqual((["a", "b", "c"], 2), self.all())


class _NoConditions:
    """Nothing to check."""

    def check(self, found):
        """Holds."""


class State(Listing):
    def test_state_lists_objects_and_sessions(self):
        made = self.put("a/b", b"one")
        session = self.start("c", "&ifGenerationMatch=0", resource={"metadata": {"k": "v"}})
        state = self.control("state")
        self.assertEqual([(made["name"], made["generation"], made["crc32c"])],
                         [(one["name"], one["generation"], one["crc32c"])
                          for one in state["buckets"]["bkt"]])
        self.assertEqual([{"upload_id": session.partition("upload_id=")[2], "bucket": "bkt",
                           "name": "c", "state": "open", "persisted": 0, "total": None,
                           "metadata": {"k": "v"}, "contentType": "application/octet-stream",
                           "conditions": {"ifGenerationMatch": 0}}], state["sessions"])
        self.assertEqual(json.loads(json.dumps(self.state.settings)), state["settings"])
