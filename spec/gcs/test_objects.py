"""Objects as a whole: metadata, preconditions, delete, patch, compose, rewrite, copy, move."""
import json

from case import UPLOAD, Case, crc_of, path_of


class Metadata(Case):
    def test_what_is_not_there_is_404_in_json(self):
        answer = self.ask("GET", path_of("a"))
        self.assertEqual((404, "notFound", 404),
                         (answer.status, answer.reason(), answer.json()["error"]["code"]))

    def test_a_bucket_that_is_not_there_is_404(self):
        for method, target in (("GET", "/storage/v1/b/other/o"), ("GET", "/storage/v1/b/other"),
                               ("GET", path_of("a", "other"))):
            self.assertEqual(404, self.ask(method, target).status)
        self.assertEqual(404, self.ask("POST", UPLOAD.replace("bkt", "other") + "media&name=a",
                                       {}, b"x").status)

    def test_get_answers_what_insert_answered(self):
        made = self.put("a/b", b"one")
        self.assertEqual(made, self.ask("GET", path_of("a/b")).json())

    def test_head_answers_the_headers_alone(self):
        self.put("a", b"one")
        answer = self.ask("HEAD", path_of("a") + "?alt=media")
        self.assertEqual((200, "3"), (answer.status, answer.headers["Content-Length"]))

    def test_fields_chooses_what_is_answered(self):
        made = self.put("a", b"one")
        for text, wanted in (("name,size", {"name": "a", "size": "3"}),
                             ("mediaLink", {"mediaLink": made["mediaLink"]}),
                             ("*", made), ("none", {})):
            self.assertEqual(wanted, self.ask("GET", path_of("a") + "?fields=" + text).json())

    def test_fields_that_nobody_can_read_are_400(self):
        self.put("a", b"one")
        for text in ("a(b", "(a)", "a)b", "a%3Bb"):
            answer = self.ask("GET", path_of("a") + "?fields=" + text)
            self.assertEqual(400, answer.status, text)

    def test_patch_changes_what_it_names_and_counts(self):
        self.put("a", b"one")
        self.ask("PATCH", path_of("a"), {}, b'{"metadata": {"k": "v", "l": "w"}}')
        answer = self.ask("PATCH", path_of("a"), {},
                          b'{"metadata": {"k": null}, "contentType": "x/y"}')
        made = answer.json()
        self.assertEqual(({"l": "w"}, "x/y", "3"),
                         (made["metadata"], made["contentType"], made["metageneration"]))

    def test_patch_does_not_change_the_generation(self):
        made = self.put("a", b"one")
        patched = self.ask("PATCH", path_of("a"), {}, b'{"contentType": "x/y"}').json()
        self.assertEqual(made["generation"], patched["generation"])

    def test_update_replaces_all_of_it(self):
        self.put("a", b"one")
        self.ask("PATCH", path_of("a"), {}, b'{"metadata": {"k": "v"}, "contentType": "x/y"}')
        made = self.ask("PUT", path_of("a"), {}, b'{"contentType": "z/z"}').json()
        self.assertEqual(("z/z", None), (made["contentType"], made.get("metadata")))

    def test_json_that_is_none_is_400(self):
        self.put("a", b"one")
        for text in (b"{", b"[]", b"1"):
            self.assertEqual(400, self.ask("PATCH", path_of("a"), {}, text).status)


class Preconditions(Case):
    """Every operation, with a condition that holds and one that does not."""

    def setUp(self):
        super().setUp()
        self.generation = int(self.put("a", b"one")["generation"])
        self.put("src", b"source")

    def statuses(self, method, target, body=None):
        """Of the request with ifGenerationMatch of another generation, and of the live one."""
        found = []
        for generation in (self.generation + 1, self.generation):
            mark = "&" if "?" in target else "?"
            found.append(self.ask(method, f"{target}{mark}ifGenerationMatch={generation}", {},
                                  body).status)
        return found

    def test_get(self):
        self.assertEqual([412, 200], self.statuses("GET", path_of("a")))

    def test_get_of_bytes(self):
        self.assertEqual([412, 200], self.statuses("GET", path_of("a") + "?alt=media"))

    def test_insert(self):
        self.assertEqual([412, 200], self.statuses("POST", UPLOAD + "media&name=a", b"two"))

    def test_patch(self):
        self.assertEqual([412, 200], self.statuses("PATCH", path_of("a"), b"{}"))

    def test_update(self):
        self.assertEqual([412, 200], self.statuses("PUT", path_of("a"), b"{}"))

    def test_delete(self):
        self.assertEqual([412, 204], self.statuses("DELETE", path_of("a")))

    def test_compose(self):
        body = b'{"sourceObjects": [{"name": "src"}]}'
        self.assertEqual([412, 200], self.statuses("POST", path_of("a") + "/compose", body))

    def test_rewrite(self):
        target = path_of("src") + "/rewriteTo/b/bkt/o/a"
        self.assertEqual([412, 200], self.statuses("POST", target, b""))

    def test_copy(self):
        target = path_of("src") + "/copyTo/b/bkt/o/a"
        self.assertEqual([412, 200], self.statuses("POST", target, b""))

    def test_move(self):
        target = path_of("src") + "/moveTo/o/a"
        self.assertEqual([412, 200], self.statuses("POST", target, b""))

    def test_a_create_only_of_what_is_there_is_412_and_changes_nothing(self):
        answer = self.ask("POST", UPLOAD + "media&name=a&ifGenerationMatch=0", {}, b"two")
        self.assertEqual((412, "conditionNotMet"), (answer.status, answer.reason()))
        self.assertEqual(b"one", self.get("a").body)

    def test_a_create_only_of_what_is_not_there_creates(self):
        self.put("new", b"new", "&ifGenerationMatch=0")

    def test_a_generation_of_what_is_not_there_is_412_for_insert(self):
        self.assertEqual(412, self.ask("POST", UPLOAD + "media&name=new&ifGenerationMatch=7", {},
                                       b"x").status)

    def test_not_match_is_304_for_get_and_412_for_a_change(self):
        query = f"?ifGenerationNotMatch={self.generation}"
        answer = self.ask("GET", path_of("a") + query)
        self.assertEqual((304, b""), (answer.status, answer.body))
        self.assertEqual(304, self.ask("GET", path_of("a") + query + "&alt=media").status)
        self.assertEqual(412, self.ask("DELETE", path_of("a") + query).status)
        self.assertEqual(200, self.ask("GET", path_of("a") + "?ifGenerationNotMatch=7").status)

    def test_not_match_0_is_for_what_is_there(self):
        self.assertEqual(412, self.ask("POST", UPLOAD + "media&name=new&ifGenerationNotMatch=0",
                                       {}, b"x").status)
        self.put("a", b"two", "&ifGenerationNotMatch=0")

    def test_metageneration_counts_too(self):
        self.assertEqual(412, self.ask("GET", path_of("a") + "?ifMetagenerationMatch=2").status)
        self.assertEqual(200, self.ask("GET", path_of("a") + "?ifMetagenerationMatch=1").status)
        self.assertEqual(304, self.ask("GET", path_of("a") + "?ifMetagenerationNotMatch=1")
                         .status)
        self.assertEqual(412, self.ask("DELETE", path_of("a") + "?ifMetagenerationMatch=2")
                         .status)

    def test_source_conditions_of_rewrite_and_move(self):
        for what in ("rewriteTo/b/bkt/o/new", "moveTo/o/new"):
            target = f"{path_of('src')}/{what}?ifSourceGenerationMatch=7"
            self.assertEqual(412, self.ask("POST", target).status)
        self.assertEqual(404, self.get("new").status)

    def test_a_condition_that_is_no_number_is_400(self):
        self.assertEqual(400, self.ask("GET", path_of("a") + "?ifGenerationMatch=x").status)

    def test_without_one_a_change_is_a_violation(self):
        before = self.violations().get("no-precondition", 0)
        self.ask("DELETE", path_of("a") + f"?ifGenerationMatch={self.generation}")
        self.assertEqual(before, self.violations().get("no-precondition", 0))
        self.ask("DELETE", path_of("src"))
        self.assertEqual(before + 1, self.violations()["no-precondition"])


class Deleting(Case):
    def test_it_is_204_without_a_body(self):
        self.put("a", b"one")
        answer = self.ask("DELETE", path_of("a"))
        self.assertEqual((204, b""), (answer.status, answer.body))
        self.assertEqual(404, self.get("a").status)

    def test_again_it_is_404(self):
        self.assertEqual(404, self.ask("DELETE", path_of("a") + "?ifGenerationMatch=7").status)

    def test_a_generation_that_is_not_the_live_one_is_404(self):
        old = self.put("a", b"one")["generation"]
        self.put("a", b"two")
        self.assertEqual(404, self.ask("DELETE", f"{path_of('a')}?generation={old}").status)
        self.assertEqual(b"two", self.get("a").body)


class Composing(Case):
    def compose(self, sources, destination=None, query=""):
        body = {"sourceObjects": sources, "destination": destination or {}}
        return self.ask("POST", path_of("all") + "/compose" + query, {},
                        json.dumps(body).encode())

    def setUp(self):
        super().setUp()
        self.parts = [b"one" * 1000, b"", b"two" * 99999]
        self.made = [self.put(f"p{n}", part) for n, part in enumerate(self.parts)]

    def names(self):
        return [{"name": one["name"]} for one in self.made]

    def test_the_bytes_stand_one_after_the_other(self):
        answer = self.compose(self.names())
        self.assertEqual((200, crc_of(b"".join(self.parts)), 3),
                         (answer.status, answer.json()["crc32c"],
                          answer.json()["componentCount"]))
        self.assertEqual(b"".join(self.parts), self.get("all").body)

    def test_it_has_no_md5_and_none_in_its_headers(self):
        self.assertNotIn("md5Hash", self.compose(self.names()).json())
        self.assertNotIn("md5", self.get("all").headers["X-Goog-Hash"])

    def test_32_sources_are_good_33_and_none_are_400(self):
        self.assertEqual(200, self.compose([{"name": "p0"}] * 32).status)
        self.assertEqual(400, self.compose([{"name": "p0"}] * 33).status)
        self.assertEqual(400, self.compose([]).status)

    def test_a_source_that_is_not_there_is_404(self):
        self.assertEqual(404, self.compose([{"name": "p0"}, {"name": "none"}]).status)
        self.assertEqual(404, self.get("all").status)

    def test_a_source_of_another_generation_is_404_or_412(self):
        self.assertEqual(404, self.compose([{"name": "p0", "generation": "7"}]).status)
        self.assertEqual(412, self.compose([{"name": "p0", "objectPreconditions": {
            "ifGenerationMatch": "7"}}]).status)
        good = {"name": "p0", "generation": self.made[0]["generation"]}
        self.assertEqual(200, self.compose([good]).status)

    def test_the_destination_says_what_it_is(self):
        made = self.compose(self.names(), {"contentType": "x/y", "metadata": {"k": "v"}}).json()
        self.assertEqual(("x/y", {"k": "v"}), (made["contentType"], made["metadata"]))

    def test_composing_composed_ones_adds_up(self):
        self.compose(self.names())
        made = self.compose([{"name": "all"}, {"name": "p0"}]).json()
        self.assertEqual((4, crc_of(b"".join(self.parts) + self.parts[0])),
                         (made["componentCount"], made["crc32c"]))


class Copying(Case):
    def setUp(self):
        super().setUp()
        self.source = self.put("a/b", b"bytes", headers={"Content-Type": "x/y"})
        self.state.store.add_bucket("other", {})

    def test_rewrite_copies_to_another_bucket_at_once(self):
        answer = self.ask("POST", path_of("a/b") + "/rewriteTo/b/other/o/c%2Fd").json()
        self.assertEqual((True, "5"), (answer["done"], answer["totalBytesRewritten"]))
        self.assertEqual(("c/d", "other", "x/y", self.source["crc32c"], self.source["md5Hash"]),
                         tuple(answer["resource"][key] for key in (
                             "name", "bucket", "contentType", "crc32c", "md5Hash")))
        self.assertEqual(b"bytes", self.ask("GET", path_of("c/d", "other") + "?alt=media").body)

    def test_rewrite_goes_on_by_its_token_until_it_is_done(self):
        self.control("settings", {"rewrite_bytes": 2})
        target = path_of("a/b") + "/rewriteTo/b/bkt/o/c"
        seen, token = [], ""
        while True:
            answer = self.ask("POST", target + token).json()
            seen.append(answer["totalBytesRewritten"])
            if answer["done"]:
                break
            self.assertEqual(404, self.get("c").status)
            token = "?rewriteToken=" + answer["rewriteToken"]
        self.assertEqual(["2", "4", "5"], seen)
        self.assertEqual(b"bytes", self.get("c").body)

    def test_a_rewrite_token_nobody_gave_is_400(self):
        self.assertEqual(400, self.ask("POST", path_of("a/b") + "/rewriteTo/b/bkt/o/c"
                                       "?rewriteToken=x").status)

    def test_a_copy_lives_when_its_source_goes(self):
        self.ask("POST", path_of("a/b") + "/copyTo/b/bkt/o/c")
        self.ask("DELETE", path_of("a/b"))
        self.assertEqual(b"bytes", self.get("c").body)

    def test_a_copy_may_be_given_another_type(self):
        made = self.ask("POST", path_of("a/b") + "/copyTo/b/bkt/o/c", {},
                        b'{"contentType": "z/z"}').json()
        self.assertEqual("z/z", made["contentType"])

    def test_copying_what_is_not_there_is_404(self):
        for what in ("rewriteTo/b/bkt/o/c", "copyTo/b/bkt/o/c", "moveTo/o/c"):
            self.assertEqual(404, self.ask("POST", f"{path_of('none')}/{what}").status)

    def test_a_move_leaves_one_name(self):
        made = self.ask("POST", path_of("a/b") + "/moveTo/o/c").json()
        self.assertEqual(("c", self.source["crc32c"]), (made["name"], made["crc32c"]))
        self.assertEqual((404, 200), (self.get("a/b").status, self.get("c").status))

    def test_a_move_that_is_refused_leaves_both_as_they_were(self):
        self.put("c", b"other")
        self.assertEqual(412, self.ask("POST", path_of("a/b") + "/moveTo/o/c?ifGenerationMatch=0")
                         .status)
        self.assertEqual((b"bytes", b"other"), (self.get("a/b").body, self.get("c").body))

    def test_a_move_to_itself_is_400(self):
        self.assertEqual(400, self.ask("POST", path_of("a/b") + "/moveTo/o/a%2Fb").status)


class Buckets(Case):
    def test_a_bucket_is_made_once(self):
        for status in (200, 409):
            answer = self.ask("POST", "/storage/v1/b?project=p", {}, b'{"name": "new-one"}')
            self.assertEqual(status, answer.status)
        self.assertEqual("new-one", self.ask("GET", "/storage/v1/b/new-one").json()["name"])

    def test_a_name_that_no_bucket_has_is_400(self):
        for name in ("A", "x", "-a-", "a b", ""):
            body = json.dumps({"name": name}).encode()
            self.assertEqual(400, self.ask("POST", "/storage/v1/b", {}, body).status, name)

    def test_buckets_are_listed(self):
        names = [one["name"] for one in self.ask("GET", "/storage/v1/b").json()["items"]]
        self.assertEqual(["bkt"], names)

    def test_a_batch_is_501(self):
        self.assertEqual(501, self.ask("POST", "/batch/storage/v1", {}, b"x").status)
