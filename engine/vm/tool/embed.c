/*
 * embed: writes the C file of vm/embedded.h. Only the build runs it:
 *
 *     embed OUTPUT NAME=PATH...
 *
 * Each module is compiled here, once, by the Lua that the engine is linked with: to compile them
 * from text took 1.7 ms of every command and 0.4 ms of every attempt, ten times as long as to load
 * them compiled. What names functions and lines in a traceback stays in. Only these modules are
 * ever loaded compiled: what a job brings is text (mrlua/sandbox.lua).
 */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_PER_LINE = 20 };

struct output {
    FILE *file;
    size_t bytes; /* of the module being written */
};

static int write_bytes(lua_State *L, const void *bytes, size_t len, void *context)
{
    struct output *output = context;
    const unsigned char *next = bytes;

    (void)L;
    for (size_t i = 0; i < len; i++)
        fprintf(output->file, "%u,%s", next[i], ++output->bytes % BYTES_PER_LINE ? "" : "\n");
    return 0;
}

/* The whole file, as a Lua string.                                             [-0, +1, e] */
static void push_file(lua_State *L, const char *path)
{
    FILE *file = fopen(path, "rb");
    luaL_Buffer text;
    size_t count;
    int has_failed;

    if (!file)
        luaL_error(L, "cannot open %s", path);
    luaL_buffinit(L, &text);
    do {
        count = fread(luaL_prepbuffer(&text), 1, LUAL_BUFFERSIZE, file);
        luaL_addsize(&text, count);
    } while (count > 0);
    has_failed = ferror(file);
    fclose(file);
    if (has_failed)
        luaL_error(L, "cannot read %s", path);
    luaL_pushresult(&text);
}

/* Writes the array of one module, NAME=PATH.                                   [-0, +0, e] */
static void write_module(lua_State *L, FILE *file, int number, const char *module)
{
    const char *path = strchr(module, '='), *text;
    struct output output = {.file = file};
    size_t len;

    if (!path)
        luaL_error(L, "'%s' is not NAME=PATH", module);
    lua_pushfstring(L, "=%s", lua_pushlstring(L, module, (size_t)(path - module)));
    push_file(L, path + 1);
    text = lua_tolstring(L, -1, &len);
    if (luaL_loadbufferx(L, text, len, lua_tostring(L, -2), "t") != LUA_OK)
        lua_error(L);
    fprintf(file, "static const unsigned char module_%d[] = {\n", number);
    lua_dump(L, write_bytes, &output, 0);
    fprintf(file, "};\n");
    lua_settop(L, 0);
}

static void write_table(FILE *file, int count, char **modules)
{
    fprintf(file, "\nconst struct embedded_module embedded_modules[] = {\n");
    for (int i = 0; i < count; i++)
        fprintf(file, "    {\"%.*s\", (const char *)module_%d, sizeof module_%d},\n",
                (int)strcspn(modules[i], "="), modules[i], i, i);
    fprintf(file, "    {0, 0, 0},\n};\n");
}

/* Its arguments: how many modules, the output and they, as in argv. */
static int write_output(lua_State *L)
{
    int count = (int)lua_tointeger(L, 1), has_failed;
    char **words = lua_touserdata(L, 2);
    FILE *file = fopen(words[0], "w");

    if (!file)
        return luaL_error(L, "cannot open %s", words[0]);
    lua_settop(L, 0);
    fprintf(file, "#include \"vm/embedded.h\"\n\n");
    for (int i = 0; i < count; i++)
        write_module(L, file, i, words[i + 1]);
    write_table(file, count, words + 1);
    has_failed = ferror(file);
    if (fclose(file) != 0 || has_failed)
        return luaL_error(L, "cannot write %s", words[0]);
    return 0;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    int rc;

    if (argc < 2 || !L) {
        fprintf(stderr, "usage: embed OUTPUT NAME=PATH...\n");
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, write_output);
    lua_pushinteger(L, argc - 2);
    lua_pushlightuserdata(L, argv + 1);
    rc = lua_pcall(L, 2, 0, 0);
    if (rc != LUA_OK) {
        fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
        remove(argv[1]); /* half of it would be newer than what it is made of */
    }
    lua_close(L);
    return rc == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
