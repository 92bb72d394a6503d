#include "store/curl_api.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

static const char library_name[] = "libcurl.so.4";

static struct curl_api api;

/* Where a function of the library goes. */
struct entry {
    const char *name;
    void *to;
};

static int find_all(void *library, struct err *err)
{
    const struct entry entries[] = {
        {"curl_global_init", &api.global_init},
        {"curl_easy_init", &api.easy_init},
        {"curl_easy_cleanup", &api.easy_cleanup},
        {"curl_easy_reset", &api.easy_reset},
        {"curl_easy_setopt", &api.easy_setopt},
        {"curl_easy_getinfo", &api.easy_getinfo},
        {"curl_easy_strerror", &api.easy_strerror},
        {"curl_slist_append", &api.slist_append},
        {"curl_slist_free_all", &api.slist_free_all},
        {"curl_multi_init", &api.multi_init},
        {"curl_multi_cleanup", &api.multi_cleanup},
        {"curl_multi_setopt", &api.multi_setopt},
        {"curl_multi_add_handle", &api.multi_add_handle},
        {"curl_multi_remove_handle", &api.multi_remove_handle},
        {"curl_multi_perform", &api.multi_perform},
        {"curl_multi_poll", &api.multi_poll},
        {"curl_multi_info_read", &api.multi_info_read},
    };

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        void *function = dlsym(library, entries[i].name);

        if (!function)
            return err_set(err, ERR_SETUP, "%s has no %s: install libcurl4 (7.68 or later)",
                           library_name, entries[i].name);
        memcpy(entries[i].to, &function, sizeof function);
    }
    return 0;
}

const struct curl_api *curl_api_load(struct err *err)
{
    static bool is_loaded;
    void *library;

    if (is_loaded)
        return &api;
    library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        err_set(err, ERR_SETUP, "gs:// needs libcurl4, which cannot be loaded: %s", dlerror());
        return NULL;
    }
    if (find_all(library, err) != 0)
        return NULL;
    if (api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(err, ERR_SETUP, "libcurl cannot be started");
        return NULL;
    }
    is_loaded = true;
    return &api;
}
