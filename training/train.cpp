// Trains the rule translator: a causal transformer of the Llama architecture (RMSNorm, RoPE, grouped-query
// attention, SwiGLU, tied embeddings) in fp32 with AdamW and a cosine schedule, on one thread. It writes the
// weights in fp32, of which gguf.ts makes the model's file, and evaluates by forced decoding: an example is exact when each token of its answer
// is the most likely one, which is what greedy decoding without a constraint would give.
//
// A group is a device and several sentences for it. The device's tokens are computed once: each sentence attends
// to the device and to itself, at the positions it has in the engine (a tree of two levels).
//
// The corpus comes in parts, corpus-1.bin and on, each read when the one before is used up.
//
// Format of .bin (little-endian u16): per group: device length, sentences; the device; per sentence: prompt
// length, answer length, prompt, answer (its end token included), and for each token of the answer how many the
// grammar allows in its place, and which.
#include <cblas.h>
#include <malloc.h>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>
using std::string;
using std::vector;
typedef vector<float> Floats;

struct Config { int layers = 4, width = 128, heads = 4, kvHeads = 2, ff = 384, vocab = 0; int head() const { return width / heads; } };
struct Sentence { int start, length, promptLength; vector<vector<int>> allowed; };  // start: in the group's rows; allowed: per token of the answer
struct Group { vector<int> tokens; int deviceLength; vector<Sentence> sentences; };
static Config cfg;

struct Param { Floats w, g, m, v; int rows, cols; bool decays; };
static vector<Param*> params;
static Param* make(int rows, int cols, float scale, std::mt19937& rng, bool isNorm = false) {
  Param* p = new Param();
  p->rows = rows; p->cols = cols; p->decays = !isNorm;
  size_t n = (size_t)rows * cols;
  p->w.resize(n); p->g.assign(n, 0); p->m.assign(n, 0); p->v.assign(n, 0);
  std::normal_distribution<float> d(0, scale);
  for (auto& x : p->w) x = isNorm ? 1.f : d(rng);
  params.push_back(p);
  return p;
}
struct Layer { Param *norm1, *q, *k, *v, *o, *norm2, *gate, *up, *down; };
static Param *embedding, *normOut;
static vector<Layer> layers;

// y[M,N] = x[M,K] w[N,K]^T
static void linear(const float* x, const Param* w, float* y, int M) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, M, w->rows, w->cols, 1, x, w->cols, w->w.data(), w->cols, 0, y, w->rows);
}
// dx (+)= dy w; dw += dy^T x
static void linearBack(const float* x, Param* w, const float* dy, float* dx, int M, float beta) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, w->cols, w->rows, 1, dy, w->rows, w->w.data(), w->cols, beta, dx, w->cols);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, w->rows, w->cols, M, 1, dy, w->rows, x, w->cols, 1, w->g.data(), w->cols);
}
static const float EPS = 1e-5f;
static void rms(const float* x, const Param* g, float* y, float* inv, int M) {
  int D = cfg.width;
  for (int i = 0; i < M; i++) {
    float s = 0;
    for (int j = 0; j < D; j++) s += x[i * D + j] * x[i * D + j];
    float r = 1 / sqrtf(s / D + EPS);
    inv[i] = r;
    for (int j = 0; j < D; j++) y[i * D + j] = x[i * D + j] * r * g->w[j];
  }
}
static void rmsBack(const float* x, Param* g, const float* inv, const float* dy, float* dx, int M) {  // dx +=
  int D = cfg.width;
  for (int i = 0; i < M; i++) {
    float dot = 0, r = inv[i];
    for (int j = 0; j < D; j++) { float t = dy[i * D + j] * x[i * D + j]; dot += t * g->w[j]; g->g[j] += t * r; }
    float c = dot * r * r * r / D;
    for (int j = 0; j < D; j++) dx[i * D + j] += dy[i * D + j] * g->w[j] * r - x[i * D + j] * c;
  }
}
// Rotates neighbours (2i, 2i+1), as GGUF's "llama" architecture stores them.
static vector<float> cosTable, sinTable;
static void ropeTables(int positions) {
  int half = cfg.head() / 2;
  cosTable.resize(positions * half); sinTable.resize(positions * half);
  for (int p = 0; p < positions; p++) for (int i = 0; i < half; i++) {
    double a = p * pow(10000.0, -2.0 * i / cfg.head());
    cosTable[p * half + i] = cos(a); sinTable[p * half + i] = sin(a);
  }
}
static void rope(float* x, int n, const vector<int>& pos, int M, float sign) {
  int H = cfg.head(), half = H / 2;
  for (int i = 0; i < M; i++) for (int h = 0; h < n; h++) {
    float* v = x + (size_t)(i * n + h) * H;
    const float *c = &cosTable[pos[i] * half], *s = &sinTable[pos[i] * half];
    for (int j = 0; j < half; j++) { float a = v[2 * j], b = v[2 * j + 1], t = sign * s[j]; v[2 * j] = a * c[j] - b * t; v[2 * j + 1] = a * t + b * c[j]; }
  }
}
// A segment of rows that attend to the device before them (own = false for the device itself) and causally to themselves.
struct Segment { int start, length, deviceStart, deviceLength; };
struct Acts { Floats x, n1, q, k, v, att, x2, n2, g, u, s, inv1, inv2; vector<Floats> probs; };
static vector<Acts> acts;
static Floats xOut, nOut, invOut;
static float expFast(float x) { return expf(x); }

static void attention(Acts& a, const vector<Segment>& segments, bool keep) {
  int H = cfg.head(), G = cfg.heads / cfg.kvHeads, QD = cfg.width, KD = cfg.kvHeads * H;
  float scale = 1 / sqrtf(H);
  if (a.probs.size() < segments.size() * cfg.heads) a.probs.resize(segments.size() * cfg.heads);
  for (size_t si = 0; si < segments.size(); si++) {
    const Segment& s = segments[si];
    int P = s.deviceLength, L = s.length, T = P + L;
    for (int h = 0; h < cfg.heads; h++) {
      Floats& p = a.probs[si * cfg.heads + h];
      p.resize((size_t)L * T);
      const float* q = &a.q[(size_t)s.start * QD + h * H];
      const float* kOwn = &a.k[(size_t)s.start * KD + h / G * H]; const float* kDev = &a.k[(size_t)s.deviceStart * KD + h / G * H];
      const float* vOwn = &a.v[(size_t)s.start * KD + h / G * H]; const float* vDev = &a.v[(size_t)s.deviceStart * KD + h / G * H];
      if (P) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, L, P, H, scale, q, QD, kDev, KD, 0, p.data(), T);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, L, L, H, scale, q, QD, kOwn, KD, 0, p.data() + P, T);
      for (int i = 0; i < L; i++) {
        float* r = &p[(size_t)i * T]; int n = P + i + 1; float mx = r[0];
        for (int j = 1; j < n; j++) mx = std::max(mx, r[j]);
        float sum = 0;
        for (int j = 0; j < n; j++) { r[j] = expFast(r[j] - mx); sum += r[j]; }
        float inv = 1 / sum;
        for (int j = 0; j < n; j++) r[j] *= inv;
        for (int j = n; j < T; j++) r[j] = 0;
      }
      float* o = &a.att[(size_t)s.start * QD + h * H];
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, L, H, L, 1, p.data() + P, T, vOwn, KD, 0, o, QD);
      if (P) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, L, H, P, 1, p.data(), T, vDev, KD, 1, o, QD);
    }
  }
  (void)keep;
}
static void attentionBack(Acts& a, const vector<Segment>& segments, const Floats& dAtt, Floats& dq, Floats& dk, Floats& dv) {
  int H = cfg.head(), G = cfg.heads / cfg.kvHeads, QD = cfg.width, KD = cfg.kvHeads * H;
  float scale = 1 / sqrtf(H);
  static Floats dp;
  std::fill(dk.begin(), dk.end(), 0.f); std::fill(dv.begin(), dv.end(), 0.f);
  for (size_t si = 0; si < segments.size(); si++) {
    const Segment& s = segments[si];
    int P = s.deviceLength, L = s.length, T = P + L;
    dp.resize((size_t)L * T);
    for (int h = 0; h < cfg.heads; h++) {
      const Floats& p = a.probs[si * cfg.heads + h];
      size_t own = (size_t)s.start * KD + h / G * H, dev = (size_t)s.deviceStart * KD + h / G * H, qo = (size_t)s.start * QD + h * H;
      const float* d = &dAtt[qo];
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, L, H, L, 1, p.data() + P, T, d, QD, 1, &dv[own], KD);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, L, L, H, 1, d, QD, &a.v[own], KD, 0, dp.data() + P, T);
      if (P) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, P, H, L, 1, p.data(), T, d, QD, 1, &dv[dev], KD);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, L, P, H, 1, d, QD, &a.v[dev], KD, 0, dp.data(), T);
      }
      for (int i = 0; i < L; i++) {
        float* r = &dp[(size_t)i * T]; const float* pr = &p[(size_t)i * T]; float dot = 0;
        for (int j = 0; j < T; j++) dot += r[j] * pr[j];
        for (int j = 0; j < T; j++) r[j] = pr[j] * (r[j] - dot) * scale;
      }
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, L, H, L, 1, dp.data() + P, T, &a.k[own], KD, 0, &dq[qo], QD);
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, L, H, L, 1, dp.data() + P, T, &a.q[qo], QD, 1, &dk[own], KD);
      if (P) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, L, H, P, 1, dp.data(), T, &a.k[dev], KD, 1, &dq[qo], QD);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, P, H, L, 1, dp.data(), T, &a.q[qo], QD, 1, &dk[dev], KD);
      }
    }
  }
}
struct Batch { vector<int> tokens, pos, targetRow, target; vector<Segment> segments; vector<int> exampleOfTarget; vector<const vector<int>*> allowed; int examples = 0; };
static void add(Batch& b, const Group& g) {
  int base = b.tokens.size();
  b.tokens.insert(b.tokens.end(), g.tokens.begin(), g.tokens.end());
  for (int i = 0; i < g.deviceLength; i++) b.pos.push_back(i);
  b.segments.push_back({base, g.deviceLength, base, 0});
  for (auto& s : g.sentences) {
    for (int i = 0; i < s.length; i++) b.pos.push_back(g.deviceLength + i);
    b.segments.push_back({base + s.start, s.length, base, g.deviceLength});
    for (int i = s.promptLength - 1; i + 1 < s.length; i++) {
      b.targetRow.push_back(base + s.start + i); b.target.push_back(g.tokens[s.start + i + 1]); b.exampleOfTarget.push_back(b.examples);
      b.allowed.push_back(&s.allowed[i + 1 - s.promptLength]);
    }
    b.examples++;
  }
}
static void forward(const Batch& b) {
  int M = b.tokens.size(), D = cfg.width, KD = cfg.kvHeads * cfg.head(), F = cfg.ff;
  acts.resize(cfg.layers);
  Floats x((size_t)M * D), tmp((size_t)M * D);
  for (int i = 0; i < M; i++) memcpy(&x[(size_t)i * D], &embedding->w[(size_t)b.tokens[i] * D], D * 4);
  for (int l = 0; l < cfg.layers; l++) {
    Acts& a = acts[l]; Layer& y = layers[l];
    a.x = x; a.n1.resize((size_t)M * D); a.inv1.resize(M); a.q.resize((size_t)M * D); a.k.resize((size_t)M * KD); a.v.resize((size_t)M * KD); a.att.resize((size_t)M * D);
    rms(x.data(), y.norm1, a.n1.data(), a.inv1.data(), M);
    linear(a.n1.data(), y.q, a.q.data(), M); linear(a.n1.data(), y.k, a.k.data(), M); linear(a.n1.data(), y.v, a.v.data(), M);
    rope(a.q.data(), cfg.heads, b.pos, M, 1); rope(a.k.data(), cfg.kvHeads, b.pos, M, 1);
    attention(a, b.segments, true);
    linear(a.att.data(), y.o, tmp.data(), M);
    for (size_t i = 0; i < x.size(); i++) x[i] += tmp[i];
    a.x2 = x; a.n2.resize((size_t)M * D); a.inv2.resize(M); a.g.resize((size_t)M * F); a.u.resize((size_t)M * F); a.s.resize((size_t)M * F);
    rms(x.data(), y.norm2, a.n2.data(), a.inv2.data(), M);
    linear(a.n2.data(), y.gate, a.g.data(), M); linear(a.n2.data(), y.up, a.u.data(), M);
    for (size_t i = 0; i < a.s.size(); i++) a.s[i] = a.g[i] / (1 + expFast(-a.g[i])) * a.u[i];
    linear(a.s.data(), y.down, tmp.data(), M);
    for (size_t i = 0; i < x.size(); i++) x[i] += tmp[i];
  }
  xOut = x; nOut.resize((size_t)M * D); invOut.resize(M);
  rms(x.data(), normOut, nOut.data(), invOut.data(), M);
}
// Loss over the answers, among the tokens the grammar allows at each place, as the engine's mask does; exact[example]
// stays true when each target is the likeliest of them. best: the likeliest, per target.
static vector<int> answerIds, answerIndex;  // tokens of answers, and where each is among them
static double head(const Batch& b, vector<char>& exact, vector<int>* bests, Floats* dN) {
  int N = b.targetRow.size(), D = cfg.width, V = answerIds.size();
  Floats rows((size_t)N * D), logits((size_t)N * V), words((size_t)V * D);
  for (int i = 0; i < N; i++) memcpy(&rows[(size_t)i * D], &nOut[(size_t)b.targetRow[i] * D], D * 4);
  for (int i = 0; i < V; i++) memcpy(&words[(size_t)i * D], &embedding->w[(size_t)answerIds[i] * D], D * 4);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, V, D, 1, rows.data(), D, words.data(), D, 0, logits.data(), V);
  exact.assign(b.examples, 1);
  if (bests) bests->clear();
  double loss = 0;
  Floats p(V);
  for (int i = 0; i < N; i++) {
    float* r = &logits[(size_t)i * V]; int best = -1; float mx = -1e30f;
    for (int id : *b.allowed[i]) { float x = r[answerIndex[id]]; if (x > mx) { mx = x; best = id; } }
    if (best != b.target[i]) exact[b.exampleOfTarget[i]] = 0;
    if (bests) bests->push_back(best);
    float target = r[answerIndex[b.target[i]]]; double sum = 0;
    std::fill(p.begin(), p.end(), 0.f);
    for (int id : *b.allowed[i]) { float e = expf(r[answerIndex[id]] - mx); p[answerIndex[id]] = e; sum += e; }
    loss += log(sum) + mx - target;
    if (dN) { float c = 1.f / (sum * N); for (int k = 0; k < V; k++) r[k] = p[k] * c; r[answerIndex[b.target[i]]] -= 1.f / N; }
  }
  if (dN) {
    Floats d((size_t)N * D), dW((size_t)V * D);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, D, V, 1, logits.data(), V, words.data(), D, 0, d.data(), D);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, V, D, N, 1, logits.data(), V, rows.data(), D, 0, dW.data(), D);
    for (int i = 0; i < V; i++) for (int k = 0; k < D; k++) embedding->g[(size_t)answerIds[i] * D + k] += dW[(size_t)i * D + k];
    dN->assign(nOut.size(), 0);
    for (int i = 0; i < N; i++) for (int k = 0; k < D; k++) (*dN)[(size_t)b.targetRow[i] * D + k] += d[(size_t)i * D + k];
  }
  return loss / N;
}
static void backward(const Batch& b, const Floats& dN) {
  int M = b.tokens.size(), D = cfg.width, KD = cfg.kvHeads * cfg.head(), F = cfg.ff;
  Floats dx((size_t)M * D, 0), dn((size_t)M * D), ds((size_t)M * F), dg((size_t)M * F), du((size_t)M * F), dAtt((size_t)M * D), dq((size_t)M * D), dk((size_t)M * KD), dv((size_t)M * KD);
  rmsBack(xOut.data(), normOut, invOut.data(), dN.data(), dx.data(), M);
  for (int l = cfg.layers - 1; l >= 0; l--) {
    Acts& a = acts[l]; Layer& y = layers[l];
    linearBack(a.s.data(), y.down, dx.data(), ds.data(), M, 0);
    for (size_t i = 0; i < ds.size(); i++) {
      float g = a.g[i], sg = 1 / (1 + expFast(-g));
      du[i] = ds[i] * g * sg; dg[i] = ds[i] * a.u[i] * sg * (1 + g * (1 - sg));
    }
    linearBack(a.n2.data(), y.gate, dg.data(), dn.data(), M, 0); linearBack(a.n2.data(), y.up, du.data(), dn.data(), M, 1);
    rmsBack(a.x2.data(), y.norm2, a.inv2.data(), dn.data(), dx.data(), M);
    linearBack(a.att.data(), y.o, dx.data(), dAtt.data(), M, 0);
    attentionBack(a, b.segments, dAtt, dq, dk, dv);
    rope(dq.data(), cfg.heads, b.pos, M, -1); rope(dk.data(), cfg.kvHeads, b.pos, M, -1);
    linearBack(a.n1.data(), y.q, dq.data(), dn.data(), M, 0); linearBack(a.n1.data(), y.k, dk.data(), dn.data(), M, 1); linearBack(a.n1.data(), y.v, dv.data(), dn.data(), M, 1);
    rmsBack(a.x.data(), y.norm1, a.inv1.data(), dn.data(), dx.data(), M);
  }
  for (int i = 0; i < M; i++) for (int j = 0; j < D; j++) embedding->g[(size_t)b.tokens[i] * D + j] += dx[(size_t)i * D + j];
}
static void adamw(int step, float lr) {
  double norm = 0;
  for (auto p : params) for (float g : p->g) norm += (double)g * g;
  float clip = std::min(1.0, 1.0 / (sqrt(norm) + 1e-9));
  const float b1 = 0.9f, b2 = 0.98f; float c1 = 1 - powf(b1, step), c2 = 1 - powf(b2, step);
  for (auto p : params) {
    float decay = p->decays ? lr * 0.05f : 0;
    for (size_t i = 0; i < p->w.size(); i++) {
      float g = p->g[i] * clip;
      p->m[i] = b1 * p->m[i] + (1 - b1) * g; p->v[i] = b2 * p->v[i] + (1 - b2) * g * g;
      p->w[i] -= lr * (p->m[i] / c1) / (sqrtf(p->v[i] / c2) + 1e-8f) + decay * p->w[i];
      p->g[i] = 0;
    }
  }
}
static vector<Group> read(const string& path) {
  std::ifstream f(path, std::ios::binary);
  vector<uint16_t> w;
  if (!f) return {};
  f.seekg(0, std::ios::end); w.resize((size_t)f.tellg() / 2); f.seekg(0); f.read((char*)w.data(), w.size() * 2);
  vector<Group> groups; size_t at = 0;
  while (at < w.size()) {
    Group g; g.deviceLength = w[at++]; int n = w[at++];
    for (int i = 0; i < g.deviceLength; i++) g.tokens.push_back(w[at++]);
    for (int s = 0; s < n; s++) {
      int p = w[at++], a = w[at++];
      g.sentences.push_back({(int)g.tokens.size(), p + a - 1, p});
      // The last token of an answer predicts nothing: it is a target only.
      for (int i = 0; i < p + a; i++) g.tokens.push_back(w[at++]);
      g.sentences.back().length = p + a;
      for (int i = 0; i < a; i++) {
        vector<int> allowed;
        for (int n = w[at++]; n > 0; n--) {
          int id = w[at++];
          allowed.push_back(id);
          if (answerIndex[id] < 0) { answerIndex[id] = answerIds.size(); answerIds.push_back(id); }
        }
        g.sentences.back().allowed.push_back(allowed);
      }
    }
    groups.push_back(g);
  }
  return groups;
}
static double evaluate(const vector<Group>& groups, double& loss) {
  int right = 0, all = 0; loss = 0; int batches = 0;
  for (size_t i = 0; i < groups.size();) {
    Batch b;
    while (i < groups.size() && b.tokens.size() < 3000) add(b, groups[i++]);
    forward(b);
    vector<char> exact; loss += head(b, exact, nullptr, nullptr); batches++;
    for (char e : exact) { right += e; all++; }
  }
  loss /= std::max(1, batches);
  return (double)right / std::max(1, all);
}
static void save(const string& path) {  // fp32 checkpoint; gguf.ts makes the model of it
  string part = path + ".part";
  FILE* f = fopen(part.c_str(), "wb");
  int head[6] = {cfg.layers, cfg.width, cfg.heads, cfg.kvHeads, cfg.ff, cfg.vocab};
  fwrite(head, 4, 6, f);
  for (auto p : params) fwrite(p->w.data(), 4, p->w.size(), f);
  fclose(f); rename(part.c_str(), path.c_str());
}
static bool load(const string& path) {
  FILE* f = fopen(path.c_str(), "rb");
  if (!f) return false;
  int head[6]; size_t n = fread(head, 4, 6, f);
  for (auto p : params) n += fread(p->w.data(), 4, p->w.size(), f);
  fclose(f); return n > 6;
}
static double cpuSeconds() { timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + t.tv_nsec * 1e-9; }

int main(int argc, char** argv) {
  if (argc < 6) { fprintf(stderr, "train <folder> <out.weights> <sentences> <minutes at most> <vocabulary> [from.weights] [layers width heads kvHeads feedForward rate rows seed]\n"); return 2; }
  // Memory of a step is kept for the next: fresh pages cost more than the arithmetic on them.
  mallopt(M_MMAP_THRESHOLD, 1 << 30); mallopt(M_TRIM_THRESHOLD, 2000000000);
  openblas_set_num_threads(1);
  string folder = argv[1], out = argv[2], from = argc > 6 ? argv[6] : "";
  double total = atof(argv[3]), seconds = atof(argv[4]) * 60;
  auto arg = [&](int i, double d) { return argc > i ? atof(argv[i]) : d; };
  cfg.vocab = arg(5, 1024); cfg.layers = arg(7, 4); cfg.width = arg(8, 128); cfg.heads = arg(9, 4); cfg.kvHeads = arg(10, 2); cfg.ff = arg(11, 384);
  double rate = arg(12, 2e-3); int rowsPerStep = arg(13, 1536), seed = arg(14, 1);
  std::mt19937 rng(seed);
  int D = cfg.width, KD = cfg.kvHeads * cfg.head();
  embedding = make(cfg.vocab, D, 0.08f, rng);
  float s = 1 / sqrtf(D), so = s / sqrtf(2 * cfg.layers);
  for (int l = 0; l < cfg.layers; l++) {
    Layer y;
    y.norm1 = make(1, D, 1, rng, true); y.q = make(D, D, s, rng); y.k = make(KD, D, s, rng); y.v = make(KD, D, s, rng); y.o = make(D, D, so, rng);
    y.norm2 = make(1, D, 1, rng, true); y.gate = make(cfg.ff, D, s, rng); y.up = make(cfg.ff, D, s, rng); y.down = make(D, cfg.ff, so * sqrtf((float)D / cfg.ff), rng);
    layers.push_back(y);
  }
  normOut = make(1, D, 1, rng, true);
  if (from != "" && !load(from)) { fprintf(stderr, "cannot read %s\n", from.c_str()); return 1; }
  ropeTables(1024);
  answerIndex.assign(cfg.vocab, -1);
  size_t count = 0; for (auto p : params) count += p->w.size();
  vector<string> names = {"names", "templates", "hand"}; vector<vector<Group>> evaluations;
  for (auto& n : names) evaluations.push_back(read(folder + "/evaluation-" + n + ".bin"));
  printf("%zu parameters\n", count); fflush(stdout);
  auto report = [&](size_t groups) {
    for (size_t e = 0; e < names.size(); e++) {
      vector<Group> some(evaluations[e].begin(), evaluations[e].begin() + (names[e] == "hand" ? evaluations[e].size() : std::min(groups, evaluations[e].size())));
      double l; double a = evaluate(some, l); printf(" %s %.4f (%.4f)", names[e].c_str(), a, l);
    }
    printf("\n"); fflush(stdout);
  };
  int dump = arg(15, 2);
  if (total == 0) {  // only tell how each sentence by hand is answered: its number, whether exact, the first wrong token, and the log-probability
    for (size_t i = 0; i < evaluations[dump].size(); i++) {
      Batch b; add(b, evaluations[dump][i]); forward(b);
      vector<char> exact; vector<int> bests; head(b, exact, &bests, nullptr);
      for (size_t e = 0, k = 0; e < exact.size(); e++) {
        int first = -1, said = -1;
        for (int n = 0; k < b.target.size() && b.exampleOfTarget[k] == (int)e; k++, n++) if (bests[k] != b.target[k] && first < 0) { first = n; said = bests[k]; }
        printf("%zu %zu %d %d %d\n", i, e, (int)exact[e], first, said);
      }
    }
    return 0;
  }
  auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  double lastReport = 0, lossSum = 0; int lossN = 0, hit = 0, tried = 0, chunk = 0; size_t at = 0, seen = 0; long rows = 0;
  // A batch points into its groups: a part stays until the batch that ends it is done.
  vector<Group> corpus, before;
  auto next = [&]() -> Group& {
    if (at == corpus.size()) {  // the next part of the corpus; when there is none, this one again
      vector<Group> more = read(folder + "/corpus-" + std::to_string(chunk + 1) + ".bin");
      if (!more.empty()) { before.swap(corpus); corpus.swap(more); chunk++; }
      if (corpus.empty()) { fprintf(stderr, "no corpus\n"); exit(1); }
      std::shuffle(corpus.begin(), corpus.end(), rng); at = 0;
    }
    return corpus[at++];
  };
  int step = 1;
  for (; seen < total && elapsed() < seconds; step++) {
    Batch b;
    while ((int)b.tokens.size() < rowsPerStep) add(b, next());
    seen += b.examples; rows += b.tokens.size();
    forward(b);
    vector<char> exact; Floats dN;
    lossSum += head(b, exact, nullptr, &dN); lossN++;
    for (char e : exact) { hit += e; tried++; }
    backward(b, dN);
    // The minutes are a limit: on a slow machine the schedule follows the clock.
    double t = std::min(1.0, std::max(seen / total, elapsed() / seconds));
    double lr = rate * std::min(1.0, step / 100.0) * (0.02 + 0.98 * 0.5 * (1 + cos(M_PI * t)));
    adamw(step, lr);
    if (elapsed() - lastReport > 90) {
      lastReport = elapsed();
      printf("%5.0fs cpu %5.0f step %5d part %d seen %7zu tok/s %5.0f lr %.5f loss %.4f train %.3f |", lastReport, cpuSeconds(), step, chunk, seen, rows / lastReport, lr, lossSum / lossN, (double)hit / tried);
      report(60);
      lossSum = 0; lossN = 0; hit = tried = 0;
      save(out);
    }
  }
  save(out);
  printf("end: %.0f s, cpu %.0f s, %d steps, %zu sentences, %ld tokens |", elapsed(), cpuSeconds(), step, seen, rows);
  report(1000000);
}
