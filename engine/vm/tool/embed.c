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

    if (!file)
        luaL_error(L, "cannot open %s", path);
    luaL_buffinit(L, &text);
    do {
        count = fread(luaL_prepbuffer(&text), 1, LUAL_BUFFERSIZE, file);
        luaL_addsize(&text, count);
    } while (count > 0);
    fclose(file);
    luaL_pushresult(&text);
}

/* Its arguments: NAME=PATH, the number of its array, the output. Writes the array. */
static int embed(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1), *path = strchr(module, '='), *text;
    struct output *output = lua_touserdata(L, 3);
    size_t len;

    if (!path)
        return luaL_error(L, "'%s' is not NAME=PATH", module);
    lua_pushfstring(L, "=%s", lua_pushlstring(L, module, (size_t)(path - module)));
    push_file(L, path + 1);
    text = lua_tolstring(L, -1, &len);
    if (luaL_loadbufferx(L, text, len, lua_tostring(L, -2), "t") != LUA_OK)
        return lua_error(L);
    output->bytes = 0;
    fprintf(output->file, "static const unsigned char module_%d[] = {\n", (int)lua_tointeger(L, 2));
    lua_dump(L, write_bytes, output, 0);
    fprintf(output->file, "};\n");
    return 0;
}

static void write_table(FILE *file, int count, char **modules)
{
    fprintf(file, "\nconst struct embedded_module embedded_modules[] = {\n");
    for (int i = 0; i < count; i++)
        fprintf(file, "    {\"%.*s\", (const char *)module_%d, sizeof module_%d},\n",
                (int)strcspn(modules[i], "="), modules[i], i, i);
    fprintf(file, "    {0, 0, 0},\n};\n");
}

int main(int argc, char **argv)
{
    struct output output = {.file = argc > 1 ? fopen(argv[1], "w") : NULL};
    lua_State *L = luaL_newstate();
    int rc = LUA_OK;

    if (!output.file || !L) {
        fprintf(stderr, "usage: embed OUTPUT NAME=PATH...\n");
        return EXIT_FAILURE;
    }
    fprintf(output.file, "#include \"vm/embedded.h\"\n\n");
    for (int i = 2; i < argc && rc == LUA_OK; i++) {
        lua_pushcfunction(L, embed);
        lua_pushstring(L, argv[i]);
        lua_pushinteger(L, i - 2);
        lua_pushlightuserdata(L, &output);
        rc = lua_pcall(L, 3, 0, 0);
    }
    write_table(output.file, argc - 2, argv + 2);
    if (rc != LUA_OK)
        fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
    else if (fclose(output.file) != 0)
        rc = LUA_ERRFILE;
    lua_close(L);
    return rc == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
