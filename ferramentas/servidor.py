"""Mede quanto servidor uma turma pede: um JupyterHub de verdade, com N alunos de mentira que abrem a lição 06 e a rodam.

Uso, com a máquina sossegada:  python ferramentas/servidor.py 1 2 4 8 16 24

Precisa de `pip install jupyterhub` no mesmo ambiente do curso e do proxy dele, `npm install configurable-http-proxy`
(diga onde está em PROXY, se não estiver no PATH). Cada aluno passa pela mesma API que o navegador usa: cria o
servidor, grava a sua cópia da lição, abre o kernel e roda célula por célula. O que se mede vai para medidas.json.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from cadernos import CAPITULO, RAIZ, caderno_de

sys.path.insert(0, str(RAIZ / "tests"))
import medir

PORTA, CHAVE = 8765, uuid.uuid4().hex
PROXY = os.environ.get("PROXY", "configurable-http-proxy")
CONFIGURACAO = f"""
import shutil
c.JupyterHub.bind_url = "http://127.0.0.1:{PORTA}"
c.JupyterHub.hub_port = {PORTA + 1}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = ["{sys.executable}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = PROCESSADORES
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
c.JupyterHub.concurrent_spawn_limit = 4        # quem passa do limite ouve «tente de novo», e o cliente tenta
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.ConfigurableHTTPProxy.command = ["{PROXY}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{PORTA + 2}"
c.JupyterHub.services = [{{"name": "medidor", "api_token": "{CHAVE}"}}]
c.JupyterHub.load_roles = [{{"name": "medidor", "services": ["medidor"], "scopes": ["admin:users", "admin:servers", "access:servers"]}}]
c.SimpleLocalProcessSpawner.home_dir_template = "CASAS/{{username}}"

def copiar(spawner):
    shutil.copytree("{CAPITULO}", f"CASAS/{{spawner.user.name}}/aulas/{CAPITULO.name}", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("meu-modelo", "__pycache__", "infograficos"))

c.Spawner.pre_spawn_hook = copiar
c.Spawner.notebook_dir = "~/aulas"
"""


class Hub:
    """Um JupyterHub numa pasta nova; `matar` derruba tudo sem aviso."""

    def __init__(self, threads=None):
        self.pasta = Path(tempfile.mkdtemp(prefix="hub-"))
        ambiente = {"OMP_NUM_THREADS": str(threads)} if threads else {}      # sem limite, cada aluno usa todos os núcleos
        texto = CONFIGURACAO.replace("CASAS", str(self.pasta / "casas")).replace("PROCESSADORES", repr(ambiente))
        (self.pasta / "config.py").write_text(texto, encoding="utf-8")
        self.ligar()

    def ligar(self):
        self.diario = open(self.pasta / "hub.log", "a", encoding="utf-8")
        self.processo = subprocess.Popen([sys.executable, "-m", "jupyterhub", "-f", "config.py"], cwd=self.pasta,
                                         stdout=self.diario, stderr=self.diario, start_new_session=True)

    def matar(self):
        vivos = [self.processo.pid, *(p.pid for p in psutil.Process(self.processo.pid).children(recursive=True))]
        for pid in vivos:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.processo.wait()


async def pedir(caminho, metodo="GET", corpo=None, tentativas=600):
    """Uma chamada à API do hub, ou à do servidor de um aluno."""
    dados = json.dumps(corpo) if corpo is not None else None
    for _ in range(tentativas):
        try:
            resposta = await AsyncHTTPClient().fetch(HTTPRequest(
                f"http://127.0.0.1:{PORTA}{caminho}", method=metodo, body=dados, headers={"Authorization": f"token {CHAVE}"},
                allow_nonstandard_methods=True, connect_timeout=300, request_timeout=300))
            return json.loads(resposta.body or b"null")
        except Exception as erro:
            codigo = getattr(erro, "code", None)
            if codigo in (400, 409):          # já existe
                return None
            ultimo = erro
            await asyncio.sleep(1)
    raise RuntimeError(f"{metodo} {caminho}: {ultimo}")


async def abrir_servidor(nome):
    """Pede o servidor de um aluno e espera que ele atenda."""
    await pedir(f"/hub/api/users/{nome}", "POST", {})
    while not (servidor := (await pedir(f"/hub/api/users/{nome}"))["servers"].get("", {})).get("ready"):
        if not servidor.get("pending"):                          # logo depois de uma queda, o hub ainda confere o antigo e recusa
            await pedir(f"/hub/api/users/{nome}/server", "POST", {})
        await asyncio.sleep(0.5)


async def rodar_celula(ligacao, fonte):
    """Manda uma célula ao kernel e espera o fim: -> "ok" ou "error"."""
    id = uuid.uuid4().hex
    await ligacao.write_message(json.dumps({
        "header": {"msg_id": id, "msg_type": "execute_request", "username": "", "session": id, "version": "5.3", "date": ""},
        "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
        "content": {"code": fonte, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}}))
    estado = parado = None
    while estado is None or not parado:                          # as duas notícias vêm por canais diferentes, em qualquer ordem
        resposta = json.loads(await ligacao.read_message())
        if resposta["parent_header"].get("msg_id") != id:
            continue
        if resposta["msg_type"] == "execute_reply":
            estado = resposta["content"]["status"]
        parado = parado or resposta["msg_type"] == "status" and resposta["content"]["execution_state"] == "idle"
    return estado


async def aluno(nome, ate=None):
    """Abre a lição 06 e a roda inteira, ou até a célula `ate`: -> segundos."""
    await abrir_servidor(nome)
    licao = json.loads(caderno_de("treino-059").read_text(encoding="utf-8"))
    await pedir(f"/user/{nome}/api/contents/06-treino.ipynb", "PUT", {"type": "notebook", "format": "json", "content": licao})
    inicio = time.perf_counter()
    sessao = await pedir(f"/user/{nome}/api/sessions", "POST", {"path": "06-treino.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}})
    ligacao = await websocket_connect(HTTPRequest(
        f"ws://127.0.0.1:{PORTA}/user/{nome}/api/kernels/{sessao['kernel']['id']}/channels", headers={"Authorization": f"token {CHAVE}"},
        connect_timeout=300, request_timeout=300))
    for celula in licao["cells"]:
        if celula["id"] == ate:
            break
        if celula["cell_type"] == "code":
            estado = await rodar_celula(ligacao, "".join(celula["source"]))
            if estado != "ok":
                raise RuntimeError(f"{nome}: a célula {celula['id']} deu {estado}")
    return time.perf_counter() - inicio


def memoria(hub):
    """MB de cada aluno (o servidor dele e o kernel) e do hub com o proxy; páginas divididas contam uma vez só (PSS)."""
    por_aluno, central = {}, 0
    for p in psutil.Process(hub.processo.pid).children(recursive=True) + [psutil.Process(hub.processo.pid)]:
        try:
            pss = p.memory_full_info().pss / 1e6
            casa = p.environ().get("JUPYTERHUB_USER")
        except psutil.Error:
            continue
        if casa:
            por_aluno[casa] = por_aluno.get(casa, 0) + pss
        else:
            central += pss
    return por_aluno, central


async def vigiar(hub, maior):
    while True:
        await asyncio.sleep(2)
        por_aluno, central = await asyncio.to_thread(memoria, hub)
        for quem, quanto in (por_aluno | {"hub": central}).items():
            maior[quem] = max(maior.get(quem, 0), quanto)
        maior["todos"] = max(maior.get("todos", 0), sum(por_aluno.values()) + central)


async def turma(N, ate=None, limite=True):
    """N alunos ao mesmo tempo, cada um com a sua parte dos núcleos, ou sem limite: segundos de cada um e memória."""
    hub = Hub(max(1, os.cpu_count() // N) if limite else None)
    try:
        await pedir("/hub/api/")
        maior = {}
        vigia = asyncio.create_task(vigiar(hub, maior))
        inicio = time.perf_counter()
        segundos = await asyncio.gather(*(aluno(f"aluno{i}", ate) for i in range(N)))
        total = time.perf_counter() - inicio                    # desde o primeiro clique, com a abertura dos servidores
        await asyncio.sleep(3)
        vigia.cancel()
        alunos = [v for k, v in maior.items() if k.startswith("aluno")]
        return {"alunos": N, "segundos_do_mais_lento": round(max(segundos)), "segundos_desde_o_clique": round(total),
                "MB_por_aluno": round(max(alunos)),
                "MB_do_hub": round(maior["hub"]), "MB_de_todos": round(maior["todos"])}
    finally:
        hub.matar()
        shutil.rmtree(hub.pasta, ignore_errors=True)


async def queda():
    """O servidor cai no meio do treino; o caderno gravado antes tem de voltar inteiro."""
    hub = Hub()
    try:
        await pedir("/hub/api/")
        rodando = asyncio.create_task(aluno("aluno0"))
        await asyncio.sleep(25)                                 # já no treino
        rascunho = {"type": "notebook", "format": "json", "content": {"cells": [
            {"cell_type": "markdown", "id": "meu", "metadata": {}, "source": "a minha anotação"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}}
        await pedir("/user/aluno0/api/contents/meu-rascunho.ipynb", "PUT", rascunho)
        gravando = [asyncio.create_task(pedir("/user/aluno0/api/contents/meu-rascunho.ipynb", "PUT", rascunho, tentativas=1))
                    for _ in range(20)]                         # grava sem parar, e cai no meio de uma gravação
        await asyncio.sleep(0.05)
        hub.matar()
        rodando.cancel()
        await asyncio.gather(rodando, *gravando, return_exceptions=True)
        hub.ligar()
        await abrir_servidor("aluno0")
        lidos = [await pedir(f"/user/aluno0/api/contents/{nome}") for nome in ("meu-rascunho.ipynb", "06-treino.ipynb")]
        return {"rascunho_inteiro": lidos[0]["content"]["cells"][0]["source"] == "a minha anotação",
                "licao_inteira": len(lidos[1]["content"]["cells"]) == len(json.loads(caderno_de("treino-059").read_text(encoding="utf-8"))["cells"])}
    finally:
        hub.matar()
        shutil.rmtree(hub.pasta, ignore_errors=True)


def main():
    quantos = [int(n) for n in sys.argv[1:]] or [1, 2, 4, 8, 16, 24]

    # O cliente de fábrica faz dez pedidos por vez e desiste em 20 s: a turma inteira passaria do prazo por culpa dele.
    AsyncHTTPClient.configure(None, max_clients=400)

    async def tudo():
        inteiras = []
        for N in quantos:
            inteiras.append(await turma(N))
            print(inteiras[-1], flush=True)
        sem_limite = [await turma(N, limite=False) for N in (2, 4)]
        print(sem_limite, flush=True)
        abertas = await turma(30, ate="treino-059")                  # todos com a lição aberta e os dados prontos, antes do treino
        print(abertas, flush=True)
        return {"rodando_tudo": inteiras, "sem_limite": sem_limite, "antes_do_treino": abertas, "queda": await queda()}

    medir.MEDIDAS["servidor"] = lambda: asyncio.run(tudo())
    sys.argv[1:] = ["servidor"]
    medir.main()


if __name__ == "__main__":
    main()
