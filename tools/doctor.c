/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* unetseg doctor: what this machine has, what is missing, how fast it is. */

#include "doctor.h"

#include "lib/command.h"
#include "lib/job.h"
#include "lib/pattern.h"
#include "lib/print.h"

#include "base/cpu.h"
#include "base/missing-plugin.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

static const gchar text[] =
    "Prints the versions, the instruction sets of the processor and those in\n"
    "use, whether GStreamer finds the elements, which plugins are missing and\n"
    "which Debian package has them, the cameras, the rate of the network at\n"
    "the size that it chooses for frames of 640x480, and what to type next.\n"
    "Exit status 1 if the element unetseg is not found.\n"
    "\n"
    "Examples:\n"
    "  unetseg doctor\n"
    "  unetseg doctor unet.onnx --threads 1\n";

#define RUN_SECONDS 1
#define CAMERA_RATE 30 /* frames a second of most webcams */

/* ---- versions and processor ---------------------------------------------- */

/* Returns the value of the first line of /proc/cpuinfo that starts with @key,
 * or %NULL. (transfer full) */
static gchar *
read_cpuinfo (const gchar *key)
{
  g_autofree gchar *all = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/cpuinfo", &all, NULL, NULL))
    return NULL;
  lines = g_strsplit (all, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const gchar *value = strchr (lines[i], ':');

    if (g_str_has_prefix (lines[i], key) && value != NULL)
      return g_strstrip (g_strdup (value + 1));
  }
  return NULL;
}

/* The flags of the kernel's list that change which kernels run. */
static gchar *
describe_features (void)
{
  static const gchar *const known[] = { "sse4_1", "avx2", "fma", "avx_vnni",
    "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimd",
    "asimddp", NULL };
  g_autofree gchar *flags = read_cpuinfo ("flags");
  g_autoptr (GString) found = g_string_new (NULL);
  g_auto (GStrv) words = NULL;

  if (flags == NULL)
    flags = read_cpuinfo ("Features");
  words = g_strsplit (flags != NULL ? flags : "", " ", -1);
  for (guint i = 0; known[i] != NULL; i++) {
    if (g_strv_contains ((const gchar *const *) words, known[i]))
      g_string_append_printf (found, "%s%s", found->len ? " " : "", known[i]);
  }
  return g_strdup (found->len ? found->str : "none that kernels use");
}

/* The sets that this program's kernels and oneDNN may use. Those of x86-64 have
 * the names that UNETSEG_MAX_ISA takes. */
static gchar *
describe_used (void)
{
  static const gchar *const names[] = { "sse41", "avx2", "avx2_vnni", "avx512",
    "avx512_vnni", "avx512_bf16", "amx", "dotprod" };
  GString *used = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (unet_cpu_isa () & 1u << i)
      g_string_append_printf (used, "%s%s", used->len ? " " : "", names[i]);
  if (used->len == 0)
    g_string_append (used, "those that every processor of this kind has");
  return g_string_free (used, FALSE);
}

static void
print_machine (void)
{
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autofree gchar *name = read_cpuinfo ("model name");
  g_autofree gchar *features = describe_features ();
  g_autofree gchar *used = describe_used ();
  const gchar *cap = g_getenv ("UNETSEG_MAX_ISA");
  guint n = g_get_num_processors ();

  g_print ("versions    unetseg %s, %s, %s\n", UNETSEG_VERSION,
      unet_session_get_engine_name (), gstreamer);
  g_print ("processor   %s, %u core%s\n", name != NULL ? name : "unknown", n,
      tool_plural (n));
  g_print ("            has %s\n", features);
  g_print ("            uses %s\n", used);
  if (cap != NULL)
    g_print ("            UNETSEG_MAX_ISA=%s limits what is used\n", cap);
}

/* ---- plugins ------------------------------------------------------------- */

typedef struct {
  const gchar *element, *use;
} Need;

static const Need needs[] = {
  { "decodebin", "recordings" },
  { "videoconvert", "other formats" },
  { "v4l2src", "cameras" },
  { "pngenc", "PNG pictures" },
  { "jpegdec", "JPEG pictures" },
  { "matroskamux", "Matroska and WebM" },
  { "vp8enc", "WebM video" },
  { "ximagesink", "the screen" },
  { "avdec_h264", "H.264 recordings" },
  { "x264enc", "H.264 results" },
  { "pipewiresink", "cameras for other programs" },
};

/* A plugin that GStreamer could not load stays out until its file changes. */
static void
print_blocked (void)
{
  GList *plugins = gst_registry_get_plugin_list (gst_registry_get ());

  for (GList *i = plugins; i != NULL; i = i->next) {
    const gchar *file = gst_plugin_get_filename (i->data);

    if (file != NULL && strstr (file, "libgstunetseg.so") != NULL
        && GST_OBJECT_FLAG_IS_SET (i->data, GST_PLUGIN_FLAG_BLACKLISTED))
      g_print ("            %s cannot be loaded: ldd names the library that "
               "is missing\n",
          file);
  }
  gst_plugin_list_free (plugins);
}

/* One command for all packages of @packages. */
static void
print_install (GPtrArray *packages)
{
  g_autofree gchar *list = NULL;

  if (packages->len == 0) {
    g_print ("plugins     none of those that the documentation uses is "
             "missing\n");
    return;
  }
  g_ptr_array_add (packages, NULL);
  list = g_strjoinv (" ", (gchar **) packages->pdata);
  g_print ("install     sudo apt install %s\n", list);
}

/* Returns whether the element itself is there. */
static gboolean
print_plugins (void)
{
  g_autoptr (GPtrArray) packages = g_ptr_array_new ();
  g_autoptr (GstElementFactory) own = gst_element_factory_find ("unetseg");
  g_autoptr (GstPlugin) plugin = NULL;

  if (own != NULL)
    plugin = gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (own));
  if (plugin != NULL)
    g_print ("element     unetseg %s, %s\n", gst_plugin_get_version (plugin),
        gst_plugin_get_filename (plugin));
  else
    g_print ("element     unetseg is not found: install gstreamer1.0-unetseg, "
             "or set GST_PLUGIN_PATH to the folder of libgstunetseg.so\n");
  if (plugin == NULL)
    print_blocked ();
  for (guint i = 0; i < G_N_ELEMENTS (needs); i++) {
    g_autoptr (GstElementFactory)
        factory = gst_element_factory_find (needs[i].element);
    const gchar *package = unet_missing_plugin_find_package (needs[i].element);

    if (factory != NULL)
      continue;
    g_print ("missing     %s, for %s: apt install %s\n", needs[i].element,
        needs[i].use, package);
    if (!g_ptr_array_find_with_equal_func (
            packages, package, g_str_equal, NULL))
      g_ptr_array_add (packages, (gpointer) package);
  }
  print_install (packages);
  return own != NULL;
}

/* ---- cameras ------------------------------------------------------------- */

/* The kernel's devices of cameras that this user may not open. */
static void
print_forbidden (void)
{
  GDir *folder = g_dir_open ("/dev", 0, NULL);
  const gchar *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree gchar *path = g_build_filename ("/dev", name, NULL);

    if (g_str_has_prefix (name, "video") && g_access (path, R_OK | W_OK) != 0)
      g_print ("            %s may not be opened: sudo adduser %s video, and "
               "log in again\n",
          path, g_get_user_name ());
  }
  g_clear_pointer (&folder, g_dir_close);
}

/* Returns the number of cameras. */
static guint
print_cameras (void)
{
  g_autoptr (GstDeviceMonitor) monitor = gst_device_monitor_new ();
  GList *devices = NULL;
  guint n = 0;

  gst_device_monitor_add_filter (monitor, "Video/Source", NULL);
  if (gst_device_monitor_start (monitor)) {
    devices = gst_device_monitor_get_devices (monitor);
    gst_device_monitor_stop (monitor);
  }
  for (GList *i = devices; i != NULL; i = i->next) {
    g_autofree gchar *name = gst_device_get_display_name (i->data);

    g_print ("camera %-4u %s\n", n++, name);
  }
  g_list_free_full (devices, gst_object_unref);
  if (n == 0)
    g_print ("cameras     none\n");
  print_forbidden ();
  return n;
}

/* ---- rate ---------------------------------------------------------------- */

/* Milliseconds of a run, the median of a second, or a negative number. */
static gdouble
measure (UnetSession *session, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  gint64 start = g_get_monotonic_time (), now = start;

  while (now - start < RUN_SECONDS * G_USEC_PER_SEC || times->len < 4) {
    gint64 before = now;
    gdouble time;

    if (!unet_session_run (session, error))
      return -1;
    now = g_get_monotonic_time ();
    time = (now - before) / 1e3;
    g_array_append_val (times, time);
  }
  g_array_remove_index (times, 0); /* it fills the caches */
  return tool_median ((gdouble *) times->data, times->len);
}

static gboolean
print_rate (ToolJob *job, GError **error)
{
  const gchar *note = unet_session_get_precision_note (job->session);
  gdouble ms = measure (job->session, error);

  if (ms < 0)
    return FALSE;
  g_print ("network     %s at %ux%u, %s, %u thread%s: %.1f ms a frame, "
           "%.0f frames/s\n",
      unet_model_get_name (job->model), job->width, job->height,
      tool_enum_nick (
          UNET_TYPE_PRECISION, unet_session_get_precision (job->session)),
      unet_session_get_threads (job->session),
      tool_plural (unet_session_get_threads (job->session)), ms, 1e3 / ms);
  if (note != NULL)
    g_print ("            %s\n", note);
  if (ms > 1e3 / CAMERA_RATE)
    g_print ("            slower than a camera of %d frames/s: frames carry "
             "the newest mask\n",
        CAMERA_RATE);
  return TRUE;
}

/* ---- command ------------------------------------------------------------- */

static void
print_next (guint n_cameras)
{
  g_autofree gchar *window = g_find_program_in_path ("unetseg-camera");

  g_print ("\nTry next:\n");
  if (n_cameras > 0)
    g_print ("  unetseg-live\n");
  if (window != NULL)
    g_print ("  unetseg-camera%s\n", n_cameras > 0 ? "" : " test");
  g_print ("  unetseg-live test\n"
           "  unetseg run --image photo.jpg -o out\n"
           "  unetseg batch recording.mp4 -o out\n");
}

static gboolean
doctor (gchar **words, ToolOptions *options, gpointer data, GError **error)
{
  gboolean *has_element = data, ok = FALSE;
  guint n_cameras;
  ToolJob job;

  if (!tool_job_load (&job, words, options, error))
    goto out;
  gst_init (NULL, NULL);
  print_machine ();
  *has_element = print_plugins ();
  n_cameras = print_cameras ();
  if (!tool_job_open (&job, options, 640, 480, FALSE, error))
    goto out;
  tool_pattern_fill (job.session, 0);
  ok = print_rate (&job, error);
  if (ok)
    print_next (n_cameras);

out:
  tool_job_clear (&job);
  return ok;
}

ToolStatus
tool_doctor_main (gint argc, gchar **argv)
{
  gboolean has_element = TRUE;
  const GOptionEntry entries[] = { { NULL } };
  const ToolCommand command = { "doctor",
    "[MODEL] — say what this machine has, lacks and reaches", text, entries,
    doctor };
  ToolStatus status = tool_command_run (&command, argc, argv, &has_element);

  return status == TOOL_OK && !has_element ? TOOL_FAILED : status;
}
