/* Weights of a model: the file's header, and the functions that load and map it.
 *
 * A weights file is 64 bytes of header, then the tensors at the offsets that the code knows, all in the byte order of
 * the machine that runs it:
 *   0 magic  8 byte order mark (u32)  12 version (u32)  16 model  24 bytes of tensors  32 tensors  40 checksum
 *   48 zeros (the last five u64, u64, u64, u64, u64[2])
 * Weights that are linked as an object are such a file too; of them the header alone is checked, in each call. */
#include "runtime/checksum.h"
#include "runtime/public.h"
#include "runtime/sample.h"

/* NX_WEIGHTS_HEADER: bytes before the first tensor */
enum { NX_WEIGHTS_HEADER = 64, NX_WEIGHTS_VERSION = 1 };

/* nx_header_word: the u64 at byte `at` of the header */
static uint64_t nx_header_word(const void *file, size_t at) {
  uint64_t word;
  memcpy(&word, (const unsigned char *)file + at, sizeof word);
  return word;
}

/* nx_check_header: NX_OK, or why these are no weights of this model */
static int nx_check_header(const void *file, size_t size) {
  uint32_t order, version;
  if (size < NX_WEIGHTS_HEADER) return NX_BAD_SIZE;
  if (memcmp(file, "nextcwgt", 8) != 0) return NX_NOT_WEIGHTS;
  memcpy(&order, (const unsigned char *)file + 8, 4);
  memcpy(&version, (const unsigned char *)file + 12, 4);
  if (order != 0x01020304) return NX_BAD_BYTE_ORDER;
  if (version != NX_WEIGHTS_VERSION) return NX_BAD_VERSION;
  if (nx_header_word(file, 48) != 0 || nx_header_word(file, 56) != 0) return NX_NOT_WEIGHTS;
  if (nx_header_word(file, 16) != NX_MODEL_HASH) return NX_OTHER_MODEL;
  if (nx_header_word(file, 24) != NX_WEIGHT_BYTES || nx_header_word(file, 32) != NX_WEIGHT_COUNT) return NX_BAD_SIZE;
  return size == NX_WEIGHTS_HEADER + (size_t)NX_WEIGHT_BYTES ? NX_OK : NX_BAD_SIZE;
}

/* nx_load_trusted: fills in the model if the header is right */
int nx_load_trusted(nx_model *model, const void *weights, size_t size) {
  int status;
  if (model == NULL || weights == NULL) return NX_BAD_ARGUMENT;
  memset(model, 0, sizeof *model);
  if ((uintptr_t)weights % 8 != 0) return NX_MISALIGNED;
  status = nx_check_header(weights, size);
  if (status == NX_OK) model->weights = (const unsigned char *)weights + NX_WEIGHTS_HEADER;
  return status;
}

/* nx_load: fills in the model if header and checksum are right */
int nx_load(nx_model *model, const void *weights, size_t size) {
  uint64_t lane[4];
  const int status = nx_load_trusted(model, weights, size);
  if (status != NX_OK) return status;
  nx_checksum_start(lane);
  nx_checksum_add(lane, model->weights, (size_t)NX_WEIGHT_BYTES);
  if (nx_checksum_end(lane) == nx_header_word(weights, 40)) return NX_OK;
  model->weights = NULL;
  return NX_BAD_CHECKSUM;
}

/* nx_map_file, nx_unmap: where the system has mmap */
#if defined(__unix__) || defined(__APPLE__)
int nx_map_file(nx_model *model, const char *path) {
  struct stat about;
  void *mapping = MAP_FAILED;
  size_t bytes = 0;
  int file, status;
  if (model == NULL || path == NULL) return NX_BAD_ARGUMENT;
  memset(model, 0, sizeof *model);
  file = open(path, O_RDONLY);
  if (file < 0) return NX_NO_FILE;
  if (fstat(file, &about) == 0 && about.st_size > 0) {
    bytes = (size_t)about.st_size;
    mapping = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  }
  close(file);
  if (mapping == MAP_FAILED) return NX_NO_FILE;
  status = nx_load(model, mapping, bytes);
  if (status == NX_OK) {
    model->mapping = mapping;
    model->mapping_bytes = bytes;
  } else {
    munmap(mapping, bytes);
  }
  return status;
}

void nx_unmap(nx_model *model) {
  if (model == NULL) return;
  if (model->mapping != NULL) munmap(model->mapping, model->mapping_bytes);
  memset(model, 0, sizeof *model);
}
#endif
