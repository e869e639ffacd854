# Carries lines between the standard streams and a TCP port of this machine.
import os, socket, sys, threading

peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))


def up():
    while data := os.read(0, 65536):
        peer.sendall(data)
    os._exit(0)


threading.Thread(target=up, daemon=True).start()
try:
    while data := peer.recv(65536):
        while data:
            data = data[os.write(1, data) :]
    sys.stderr.write("the other end has closed the connection\n")
except OSError as error:
    sys.stderr.write(f"{error}\n")
sys.stderr.flush()
os._exit(1)
