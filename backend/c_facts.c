/* What the emitted files say about a model as a whole: tensors, symbols, sizes, and the hash that weights carry. */
#include "backend/c_internal.h"
#include <string.h>

/* ---- tensors ---- */

static bool is_taken(const CFile *f, const char *name) {
  for (int i = 0; i < f->input_count; i++)
    if (f->inputs[i].identifier && !strcmp(f->inputs[i].identifier, name)) return true;
  for (int i = 0; i < f->output_count; i++)
    if (f->outputs[i].identifier && !strcmp(f->outputs[i].identifier, name)) return true;
  return f->symbol_name && !strcmp(f->symbol_name, name);
}

static const char *fresh_identifier(CFile *f, const char *name) {
  const char *base = c_parameter_name(f->arena, name), *tried = base;
  for (int n = 2; is_taken(f, tried); n++) tried = arena_printf(f->arena, "%s_%d", base, n);
  return tried;
}

static CTensor tensor_of(const CFile *f, const char *name, Type type) {
  const Graph *g = f->program->graph;
  const bool loops = g->batch_symbol >= 0 || g->batch > 1;
  return (CTensor){.name = name ? name : "", .type = type, .per_image = loops && type.rank > 0 && type.dim[0] == 1};
}

static void find_tensors(CFile *f) {
  const Graph *g = f->program->graph;
  FOR_EACH_OP(g, id) {
    f->input_count += op_at(g, id)->kind == OP_input;
    f->output_count += op_at(g, id)->kind == OP_output;
  }
  f->inputs = ARENA_ARRAY(f->arena, CTensor, f->input_count);
  f->outputs = ARENA_ARRAY(f->arena, CTensor, f->output_count);
  int inputs = 0, outputs = 0;
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    if (op->kind == OP_input) f->inputs[inputs++] = tensor_of(f, op->attrs.name, *type_of(g, op->first_result));
    if (op->kind == OP_output) f->outputs[outputs++] = tensor_of(f, op->attrs.name, *type_of(g, op->operands[0]));
  }
  for (int i = 0; i < inputs; i++) f->inputs[i].identifier = fresh_identifier(f, f->inputs[i].name);
  for (int i = 0; i < outputs; i++) f->outputs[i].identifier = fresh_identifier(f, f->outputs[i].name);
}

int64_t c_image_bytes(const CTensor *t) { return t->per_image ? (int64_t)type_bytes(&t->type) : 0; }

/* ---- the model's hash ---- */

static uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
  return hash ^ hash >> 32;
}

static uint64_t mix_string(uint64_t hash, const char *string) {
  for (; string && *string; string++) hash = mix(hash, (unsigned char)*string);
  return mix(hash, 256);
}

static uint64_t mix_double(uint64_t hash, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return mix(hash, bits);
}

static uint64_t mix_attr(uint64_t hash, const AttrInfo *info, const Attrs *attrs) {
  const char *at = (const char *)attrs + info->offset;
  hash = mix_string(hash, info->name);
  switch (info->kind) {
  case KIND_INT: return mix(hash, *(const uint64_t *)(const void *)at);
  case KIND_FLOAT: return mix_double(hash, *(const double *)(const void *)at);
  case KIND_NAME:
  case KIND_STRING: return mix_string(hash, *(const char *const *)(const void *)at);
  case KIND_INTS: {
    const Ints *ints = (const Ints *)(const void *)at;
    for (int32_t i = 0; i < ints->count; i++) hash = mix(hash, (uint64_t)ints->at[i]);
    return mix(hash, (uint64_t)ints->count);
  }
  case KIND_FLOATS: {
    const Floats *floats = (const Floats *)(const void *)at;
    for (int32_t i = 0; i < floats->count; i++) hash = mix_double(hash, floats->at[i]);
    return mix(hash, (uint64_t)floats->count);
  }
  }
  return hash;
}

/* Operators, attributes, types and places of the weights; no names and no values: retrained weights fit, those of
 * another network do not. */
static uint64_t hash_model(const CFile *f) {
  const Graph *g = f->program->graph;
  uint64_t hash = 1, count = 0;
  uint64_t *number = ARENA_ARRAY(f->arena, uint64_t, g->value_count); /* values in order of definition */
  FOR_EACH_OP(g, id) {
    const Op *op = op_at(g, id);
    hash = mix_string(hash, op_info[op->kind].name);
    for (uint32_t i = 0; i < op->operand_count; i++) hash = mix(hash, number[op->operands[i]]);
    for (int a = 0; a < ATTR_COUNT; a++)
      if (a != ATTR_name && a != ATTR_source && !attr_is_default(&attr_info[a], &op->attrs))
        hash = mix_attr(hash, &attr_info[a], &op->attrs);
    for (uint32_t i = 0; i < op->result_count; i++) {
      const Type *type = type_of(g, op->first_result + i);
      number[op->first_result + i] = ++count;
      hash = mix(hash, type->dtype);
      for (int d = 0; d < type->rank; d++) hash = mix(hash, (uint64_t)type->dim[d]);
    }
  }
  for (size_t i = 0; i < f->program->weight_count; i++) {
    hash = mix(hash, number[f->program->weights[i].value]);
    hash = mix(hash, (uint64_t)f->program->weights[i].offset);
  }
  return hash;
}

/* ---- sizes ---- */

static int64_t round_up_64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* The arena is never empty, so that a workspace is never of 0 bytes, which C does not allow. */
static void find_sizes(CFile *f) {
  f->arena_bytes = 64;
  for (int t = 0; t < f->program->target_count; t++) {
    const LoopProgram *p = f->program->programs[t];
    if (round_up_64(p->arena_bytes) > f->arena_bytes) f->arena_bytes = round_up_64(p->arena_bytes);
    if (round_up_64(p->scratch_bytes) > f->scratch_bytes) f->scratch_bytes = round_up_64(p->scratch_bytes);
  }
}

CFile c_facts(Context *context, Arena *arena, const CProgram *program, const COptions *options) {
  const Graph *g = program->graph;
  CFile f = {.context = context, .arena = arena, .program = program, .options = options};
  f.prefix = c_identifier(arena, options->prefix ? options->prefix : g->name ? g->name : "");
  f.upper = c_upper(arena, f.prefix);
  f.fixed_images = g->batch > 1 ? g->batch : 1;
  if (g->batch_symbol >= 0) {
    f.symbol = g->symbols[g->batch_symbol];
    f.symbol_name = c_parameter_name(arena, f.symbol);
  }
  find_tensors(&f);
  find_sizes(&f);
  f.model_hash = hash_model(&f);
  return f;
}
