#include "attempt/map_input.h"

#include "record/value.h"
#include "vm/reader_grammar.h"
#include "vm/reader_json.h"

/* What of the view says how this input is mapped: `map`, `input_options`. */
static int find_input(struct slice view, const char *name, struct slice *out, struct err *err)
{
    struct slice inputs;

    *out = view;
    if (!name ||
        (value_field_table(view, "inputs", &inputs) && value_field_table(inputs, name, out)))
        return 0;
    return err_set(err, ERR_SETUP, "the job has no input '%s'", name);
}

int map_input_use(struct map_input *input, struct vm *vm, struct slice view, const char *format,
                  const char *name, struct err *err)
{
    struct slice of_input, params = slice_of("", 0);

    map_input_deinit(input);
    if (find_input(view, name, &of_input, err) != 0 ||
        reader_kind_by_name(slice_of_string(format), &input->kind, err) != 0 ||
        (name && vm_use_input(vm, name, err) != 0))
        return -1;
    input->runs_job = input->kind == READER_GRAMMAR || input->kind == READER_GRAMMAR_WHOLE;
    value_field_table(of_input, "input_options", &input->options);
    value_field_table(view, "params", &params);
    input->is_identity = !vm_has(vm, "map") || vm_builtin(vm, "map") == BUILTIN_IDENTITY;
    input->is_builtin = map_builtin_init(&input->builtin, value_field_string(of_input, "map", ""),
                                         params, vm_counts(vm));
    return 0;
}

void map_input_deinit(struct map_input *input)
{
    map_builtin_deinit(&input->builtin);
    *input = (struct map_input){0};
}

struct reader *map_input_open(const struct map_input *input, struct vm *vm,
                              const Mrlua__Input *message, int fd, struct err *err)
{
    const Mrlua__Piece *piece = message->piece;
    struct source_input source = {
        .fd = fd,
        .is_stream = message->is_stream,
        .is_gzip = piece->is_gzip,
        .name = piece->name,
        .offset = piece->offset,
        .length = piece->length,
        .size = piece->size,
    };

    if (!reader_needs_lua(input->kind))
        return reader_open(input->kind, &source, input->options, err);
    if (input->kind == READER_JSONL)
        return reader_json_open(vm, &source, input->options, err);
    return reader_grammar_open(vm, &source, input->options, err);
}
