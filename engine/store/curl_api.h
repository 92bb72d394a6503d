/*
 * curl_api: libcurl, loaded on first use. The one place that includes its headers beside
 * http_client.c.
 *
 *     const struct curl_api *curl = curl_api_load(&err);
 *     easy = curl->easy_init();
 *
 * Loading it costs 9 ms and 10 MB with all that it needs, which is what a whole job on a small file
 * takes; most processes never ask a server for anything. So nothing is linked, and the functions
 * are found by name in libcurl.so.4, whose interface has not changed since 2006.
 */
#ifndef STORE_CURL_API_H
#define STORE_CURL_API_H

#include "base/err.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

struct curl_api {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_reset) *easy_reset;
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_info_read) *multi_info_read;
};

/* The same table each time; never unloaded. NULL: ERR_SETUP, with the package to install. */
const struct curl_api *curl_api_load(struct err *err);

#endif
