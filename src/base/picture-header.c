/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/picture-header.h"

#include <string.h>

/* Deflate turns at most 1032 bytes into one (RFC 1951: 258 bytes in 2 bits). */
#define DEFLATE_RATIO 1032
/* A file with data for less than one part in this many has no picture. */
#define LEAST_PART 10

/* Bytes that are read one after the other. */
typedef struct {
  const guint8 *at, *end;
} Reader;

static gsize
left (const Reader *r)
{
  return r->end - r->at;
}

static guint
big16 (const guint8 *p)
{
  return p[0] << 8 | p[1];
}

static guint32
big32 (const guint8 *p)
{
  return (guint32) big16 (p) << 16 | big16 (p + 2);
}

static guint32
little32 (const guint8 *p)
{
  return p[0] | p[1] << 8 | p[2] << 16 | (guint32) p[3] << 24;
}

/* ---- EXIF (a TIFF header and directory) --------------------------------- */

#define TAG_WIDTH       0x100
#define TAG_HEIGHT      0x101
#define TAG_ORIENTATION 0x112

#define TYPE_LONG 4

static guint
read16 (const guint8 *p, gboolean big)
{
  return big ? big16 (p) : (guint) (p[0] | p[1] << 8);
}

static guint32
read32 (const guint8 *p, gboolean big)
{
  return big ? big32 (p) : little32 (p);
}

/* Reads the first directory. Sizes are those of a TIFF. */
static void
read_directory (const guint8 *tiff, gsize size, UnetPictureHeader *header)
{
  gboolean big = size >= 8 && tiff[0] == 'M';
  guint32 at;
  guint n;

  if (size < 8 || (memcmp (tiff, "MM\0*", 4) && memcmp (tiff, "II*\0", 4)))
    return;
  at = read32 (tiff + 4, big);
  if (at > size - 2)
    return;
  n = MIN (read16 (tiff + at, big), (size - at - 2) / 12);
  for (guint i = 0; i < n; i++) {
    const guint8 *entry = tiff + at + 2 + 12 * i;
    guint tag = read16 (entry, big), value = read16 (entry + 8, big);

    if (tag == TAG_ORIENTATION)
      header->orientation = value >= 1 && value <= 8 ? value : 1;
    if (header->kind != UNET_PICTURE_TIFF)
      continue;
    if (read16 (entry + 2, big) == TYPE_LONG)
      value = read32 (entry + 8, big);
    if (tag == TAG_WIDTH)
      header->width = value;
    if (tag == TAG_HEIGHT)
      header->height = value;
  }
}

/* ---- JPEG --------------------------------------------------------------- */

#define IS_FRAME(m) ((m) >= 0xc0 && (m) <= 0xcf && ((m) &3) != 0)
#define IS_ALONE(m) (((m) >= 0xd0 && (m) <= 0xd8) || (m) == 1)

static void
read_segment (
    const guint8 *data, gsize size, guint8 marker, UnetPictureHeader *header)
{
  if ((IS_FRAME (marker) || marker == 0xc0) && size >= 6) {
    header->height = big16 (data + 1);
    header->width = big16 (data + 3);
    header->n_components = data[5];
  } else if (marker == 0xe1 && size > 6 && memcmp (data, "Exif\0\0", 6) == 0) {
    read_directory (data + 6, size - 6, header);
  }
}

/* Coded data, to the next marker that is not a part of it. */
static void
skip_scan (Reader *r)
{
  while (left (r) >= 2
      && (r->at[0] != 0xff || r->at[1] == 0
          || (r->at[1] >= 0xd0 && r->at[1] <= 0xd7)))
    r->at++;
  if (left (r) < 2)
    r->at = r->end;
}

/* A block of 8x8 samples takes at least a bit. */
static UnetPictureState
judge_jpeg (const UnetPictureHeader *header, gsize coded)
{
  guint64 blocks =
      (guint64) ((header->width + 7) / 8) * ((header->height + 7) / 8);

  return coded * 8 < blocks / LEAST_PART ? UNET_PICTURE_EMPTY
                                         : UNET_PICTURE_CUT;
}

static void
parse_jpeg (Reader r, UnetPictureHeader *header)
{
  const guint8 *first = r.at;
  gsize coded = 0;

  r.at += 2;
  while (left (&r) >= 2) {
    guint8 marker = r.at[1];
    gsize size;

    if (r.at[0] != 0xff || marker == 0xff) { /* padding, or damaged */
      r.at++;
      continue;
    }
    r.at += 2;
    if (marker == 0xd9) {
      header->size = r.at - first;
      return;
    }
    if (IS_ALONE (marker))
      continue;
    size = left (&r) >= 2 ? big16 (r.at) : 0;
    if (size < 2 || size > left (&r))
      break;
    read_segment (r.at + 2, size - 2, marker, header);
    r.at += size;
    if (marker == 0xda) {
      const guint8 *start = r.at;

      skip_scan (&r);
      coded += r.at - start;
    }
  }
  header->state = judge_jpeg (header, coded);
}

/* ---- PNG ---------------------------------------------------------------- */

/* Bytes of a row before compression, with its filter; @ihdr has 13 bytes. */
static guint64
png_row (const guint8 *ihdr)
{
  static const guint8 channels[] = { 1, 0, 3, 1, 2, 0, 4 };
  guint color = ihdr[9] < G_N_ELEMENTS (channels) ? ihdr[9] : 0;

  return 1 + ((guint64) big32 (ihdr) * channels[color] * ihdr[8] + 7) / 8;
}

static void
parse_png (Reader r, UnetPictureHeader *header)
{
  guint64 wanted = 0, coded = 0;
  gboolean ended = FALSE;

  r.at += 8;
  while (!ended && left (&r) >= 8) {
    guint64 size = big32 (r.at);
    gsize have = MIN (size, left (&r) - 8);
    const guint8 *type = r.at + 4, *data = r.at + 8;

    if (memcmp (type, "IHDR", 4) == 0 && have >= 13) {
      header->width = big32 (data);
      header->height = big32 (data + 4);
      wanted = header->height <= G_MAXINT32 && header->width <= G_MAXINT32
          ? png_row (data) * header->height
          : G_MAXUINT64;
    } else if (memcmp (type, "IDAT", 4) == 0) {
      coded += have;
    } else if (memcmp (type, "eXIf", 4) == 0) {
      read_directory (data, have, header);
    } else if (memcmp (type, "acTL", 4) == 0) {
      header->animated = TRUE;
    }
    ended = memcmp (type, "IEND", 4) == 0;
    if (left (&r) < 12 + size) /* with the checksum */
      break;
    r.at += 12 + size;
  }
  if (coded * DEFLATE_RATIO < wanted / LEAST_PART)
    header->state = UNET_PICTURE_EMPTY;
  else if (!ended || coded * DEFLATE_RATIO < wanted)
    header->state = UNET_PICTURE_CUT;
}

/* ---- WebP --------------------------------------------------------------- */

static void
parse_webp (Reader r, UnetPictureHeader *header)
{
  guint64 whole = (guint64) little32 (r.at + 4) + 8;

  if (whole > left (&r))
    header->state = UNET_PICTURE_CUT;
  r.at += 12;
  while (left (&r) >= 8) {
    guint64 size = little32 (r.at + 4);
    gsize have = MIN (size, left (&r) - 8);
    const guint8 *data = r.at + 8;

    if (memcmp (r.at, "EXIF", 4) == 0) {
      /* Some programs keep JPEG's prefix. */
      gsize skip = have > 6 && memcmp (data, "Exif\0\0", 6) == 0 ? 6 : 0;

      read_directory (data + skip, have - skip, header);
    } else if (memcmp (r.at, "ANIM", 4) == 0) {
      header->animated = TRUE;
    }
    size += size & 1;
    if (left (&r) - 8 < size)
      return;
    r.at += 8 + size;
  }
}

/* ---- GIF ---------------------------------------------------------------- */

/* Blocks of at most 255 bytes, to an empty one. */
static gboolean
skip_blocks (Reader *r)
{
  while (left (r) > 0 && *r->at != 0) {
    if (left (r) < 1u + *r->at)
      return FALSE;
    r->at += 1 + *r->at;
  }
  if (left (r) == 0)
    return FALSE;
  r->at++;
  return TRUE;
}

static gboolean
skip_bytes (Reader *r, gsize n)
{
  if (left (r) < n)
    return FALSE;
  r->at += n;
  return TRUE;
}

/* The bytes of a colour table that the flags announce. */
static gsize
color_table (guint8 flags)
{
  return flags & 0x80 ? (gsize) 3 << ((flags & 7) + 1) : 0;
}

static gboolean
skip_gif_image (Reader *r)
{
  guint8 flags;

  if (left (r) < 10)
    return FALSE;
  flags = r->at[9];
  /* The descriptor, the colours, and the code size of LZW. */
  return skip_bytes (r, 10 + color_table (flags)) && skip_bytes (r, 1)
      && skip_blocks (r);
}

static void
parse_gif (Reader r, UnetPictureHeader *header)
{
  gboolean ok;

  header->width = r.at[6] | r.at[7] << 8;
  header->height = r.at[8] | r.at[9] << 8;
  ok = skip_bytes (&r, 13 + color_table (r.at[10]));
  while (ok && left (&r) > 0 && *r.at != 0x3b) {
    gboolean image = *r.at == 0x2c;

    ok = image ? skip_gif_image (&r) : skip_bytes (&r, 2) && skip_blocks (&r);
    header->n_images += image && ok;
  }
  if (!ok || header->n_images == 0)
    header->state = UNET_PICTURE_BROKEN;
  else if (left (&r) == 0)
    header->state = UNET_PICTURE_CUT;
}

/* ---- BMP ---------------------------------------------------------------- */

/* The headers of Windows are at least as large; that of OS/2 is not read. */
#define BMP_HEADER  40
#define BMP_LARGEST 124

/* The height is negative where rows go down. Two letters are a weak signature:
 * a text that begins with them gets no size. */
static void
parse_bmp (Reader r, UnetPictureHeader *header)
{
  gint64 height;

  if (left (&r) < 26 || little32 (r.at + 14) < BMP_HEADER
      || little32 (r.at + 14) > BMP_LARGEST)
    return;
  height = (gint32) little32 (r.at + 22);
  header->width = little32 (r.at + 18);
  header->height = ABS (height);
}

/* ---- AVIF and HEIF (ISO 14496-12, 23008-12) ----------------------------- */

/* Boxes with the sizes of pictures stand before the data. */
#define LONGEST_META (1 << 16)

static gboolean
is_brand (const guint8 *brand, const gchar *names)
{
  for (; *names != '\0'; names += 4)
    if (memcmp (brand, names, 4) == 0)
      return TRUE;
  return FALSE;
}

/* The first brand tells whether the file is a picture; one of AV1 may be among
 * those after it. */
static gboolean
read_brands (Reader r, UnetPictureHeader *header)
{
  gsize size = MIN (big32 (r.at), left (&r));

  if (!is_brand (r.at + 8, "avifavisheicheixheimheishevchevxmif1msf1"))
    return FALSE;
  header->kind = UNET_PICTURE_HEIF;
  header->animated = is_brand (r.at + 8, "avishevchevxmsf1");
  for (gsize at = 8; at + 4 <= size; at += 4)
    if (is_brand (r.at + at, "avifavis"))
      header->kind = UNET_PICTURE_AVIF;
  return TRUE;
}

/* The largest size is that of the picture; others are of tiles and
 * thumbnails. */
static void
parse_heif (Reader r, UnetPictureHeader *header)
{
  gsize n = MIN (left (&r), LONGEST_META);

  if (!read_brands (r, header))
    return;
  for (gsize at = 0; at + 16 <= n; at++) {
    guint32 width = big32 (r.at + at + 8), height = big32 (r.at + at + 12);

    if (memcmp (r.at + at, "ispe", 4) != 0
        || (guint64) width * height <= (guint64) header->width * header->height)
      continue;
    header->width = width;
    header->height = height;
  }
}

/* ---- any of them -------------------------------------------------------- */

static void
parse_tiff (Reader r, UnetPictureHeader *header)
{
  read_directory (r.at, left (&r), header);
}

static const struct {
  guint at; /* of the signature in the file */
  const gchar *signature;
  gsize n;
  UnetPictureKind kind;
  void (*parse) (Reader r, UnetPictureHeader *header);
} kinds[] = {
  { 0, "\xff\xd8\xff", 3, UNET_PICTURE_JPEG, parse_jpeg },
  { 0, "\x89PNG\r\n\x1a\n", 8, UNET_PICTURE_PNG, parse_png },
  { 8, "WEBP", 4, UNET_PICTURE_WEBP, parse_webp },
  { 0, "GIF8", 4, UNET_PICTURE_GIF, parse_gif },
  { 0, "MM\0*", 4, UNET_PICTURE_TIFF, parse_tiff },
  { 0, "II*\0", 4, UNET_PICTURE_TIFF, parse_tiff },
  { 0, "BM", 2, UNET_PICTURE_BMP, parse_bmp },
  { 4, "ftyp", 4, UNET_PICTURE_HEIF, parse_heif },
};

gboolean
unet_picture_header_parse (
    const guint8 *data, gsize size, UnetPictureHeader *header)
{
  Reader r = { data, data + size };

  *header = (UnetPictureHeader){ .orientation = 1, .size = size };
  for (guint i = 0; i < G_N_ELEMENTS (kinds) && size >= 16; i++) {
    if (memcmp (data + kinds[i].at, kinds[i].signature, kinds[i].n))
      continue;
    header->kind = kinds[i].kind;
    kinds[i].parse (r, header);
    return TRUE;
  }
  return FALSE;
}

gboolean
unet_picture_header_read (const gchar *path, UnetPictureHeader *header)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);

  return file != NULL
      && unet_picture_header_parse (
          (const guint8 *) g_mapped_file_get_contents (file),
          g_mapped_file_get_length (file), header);
}

/* ---- orientation -------------------------------------------------------- */

/* By the value of EXIF, as GStreamer translates it. */
static const struct {
  const gchar *tag, *direction;
} orientations[] = {
  { "rotate-0", "identity" },
  { "flip-rotate-0", "horiz" },
  { "rotate-180", "180" },
  { "flip-rotate-180", "vert" },
  { "flip-rotate-270", "ul-lr" },
  { "rotate-90", "90r" },
  { "flip-rotate-90", "ur-ll" },
  { "rotate-270", "90l" },
};

const gchar *
unet_picture_header_get_tag (const UnetPictureHeader *header)
{
  return orientations[header->orientation - 1].tag;
}

const gchar *
unet_picture_header_get_direction (const UnetPictureHeader *header)
{
  return orientations[header->orientation - 1].direction;
}
